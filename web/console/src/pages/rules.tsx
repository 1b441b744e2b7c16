// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The rules by which arriving studies are analysed, and what they say of the studies that are here. They stand in the server's settings
// file; nothing is changed here.
import { useEffect } from "react";
import { arrivalOutcomes, arrivalRules, type Arrival, type ArrivalOutcome } from "../api";
import { findStudies, type Study } from "../dicomweb";
import { isoDate } from "../format";
import { useWords } from "../language";
import { useLoaded } from "../loading";
import { Failure, Link, Modalities, Page, Waiting } from "../parts";
import { address } from "../router";

const shownStudies = 50;
const example = `[analysis]
on_arrival = true

[[arrival]]
modality = "CT"
description = "*chest*"
profile = "chest_ct"

[[arrival]]
modality = "MR"
analyze = false`;

function Outcome({ analyze, profile, language }: { analyze: boolean; profile: string; language: string }) {
  const { t } = useWords();
  if (!analyze) return <span className="chip chip-plain">{t("rules.leave")}</span>;
  const report = language === "zh" ? "中文" : "English";
  return (
    <span className="row">
      <span className="chip chip-accent">{t("rules.analyse")}</span>
      <span>
        {t("rules.profile")} {profile ? <code>{profile}</code> : t("rules.profile_chosen")}
        {" · "}
        {t("rules.language")} <span lang={language === "zh" ? "zh-CN" : "en"}>{report}</span>
      </span>
    </span>
  );
}

function Rules({ arrival }: { arrival: Arrival }) {
  const { t } = useWords();
  if (arrival.rules.length === 0) {
    return (
      <p className="row">
        {t("rules.all")} <Outcome analyze profile="" language={arrival.language} />
      </p>
    );
  }
  return (
    <div className="table-frame">
      <table className="plain report-table rules">
        <caption className="hidden">{t("rules.title")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("rules.number")}</th>
            <th scope="col">{t("column.modalities")}</th>
            <th scope="col">{t("rules.description")}</th>
            <th scope="col">{t("rules.outcome")}</th>
          </tr>
        </thead>
        <tbody>
          {arrival.rules.map((rule, index) => (
            <tr key={index}>
              <td>{index + 1}</td>
              <td data-label={t("column.modalities")}>{rule.modality ? <Modalities list={[rule.modality]} /> : t("rules.any")}</td>
              <td data-label={t("rules.description")}>{rule.description ? <code>{rule.description}</code> : t("rules.any")}</td>
              <td>
                <Outcome analyze={rule.analyze} profile={rule.profile} language={rule.language} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Studies({ list }: { list: { study: Study; outcome: ArrivalOutcome }[] }) {
  const { t } = useWords();
  if (list.length === 0) return <p className="quiet">{t("rules.studies_none")}</p>;
  return (
    <div className="table-frame">
      <table className="plain report-table rules">
        <caption className="hidden">{t("rules.studies")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("column.patient")}</th>
            <th scope="col">{t("column.date")}</th>
            <th scope="col">{t("column.modalities")}</th>
            <th scope="col">{t("rules.description")}</th>
            <th scope="col">{t("rules.applies")}</th>
            <th scope="col">{t("rules.outcome")}</th>
          </tr>
        </thead>
        <tbody>
          {list.map(({ study, outcome }) => (
            <tr key={study.uid}>
              <td>
                <Link to={address.study(study.uid)}>
                  <bdi>{study.patientName || study.patientId || t("worklist.no_name")}</bdi>
                </Link>
              </td>
              <td data-label={t("column.date")} className="tabular">
                {isoDate(study.date)}
              </td>
              <td data-label={t("column.modalities")}>
                <Modalities list={study.modalities} />
              </td>
              <td data-label={t("rules.description")}>
                <bdi>{study.description}</bdi>
              </td>
              <td data-label={t("rules.applies")}>{outcome.rule !== null ? outcome.rule + 1 : outcome.analyze ? "" : t("rules.none_fits")}</td>
              <td>
                <Outcome analyze={outcome.analyze} profile={outcome.profile} language={outcome.language} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function RulesPage() {
  const { t } = useWords();
  const loaded = useLoaded(async (signal) => {
    const [arrival, outcomes, found] = await Promise.all([
      arrivalRules(signal),
      arrivalOutcomes(shownStudies, signal),
      findStudies({ words: "", modality: "", days: 0 }, shownStudies, signal),
    ]);
    const byStudy = new Map(outcomes.map((outcome) => [outcome.study_uid, outcome]));
    const list = found.studies.flatMap((study) => {
      const outcome = byStudy.get(study.uid);
      return outcome ? [{ study, outcome }] : [];
    });
    return { arrival, list };
  }, []);
  useEffect(() => {
    document.title = `${t("rules.title")} · Gantry`;
  }, [t]);
  const shown = loaded.value;
  return (
    <Page title={t("rules.title")}>
      {!shown ? (
        loaded.error ? (
          <Failure error={loaded.error} retry={loaded.reload} />
        ) : (
          <Waiting />
        )
      ) : (
        <>
          <p className={shown.arrival.on_arrival ? "banner banner-usual" : "banner banner-note"}>
            {shown.arrival.on_arrival ? t("rules.on", { seconds: shown.arrival.quiet_seconds }) : t("rules.off")}
          </p>
          <section aria-labelledby="rules">
            <h2 id="rules">{t("place.rules")}</h2>
            {shown.arrival.rules.length > 0 ? <p className="quiet small">{t("rules.title_words")}</p> : null}
            <Rules arrival={shown.arrival} />
          </section>
          <section aria-labelledby="studies">
            <h2 id="studies">{t("rules.studies")}</h2>
            <Studies list={shown.list} />
          </section>
          <section aria-labelledby="change">
            <h2 id="change">{t("rules.change")}</h2>
            <p>{t("rules.change_words")}</p>
            <pre className="example">
              <code>{example}</code>
            </pre>
          </section>
        </>
      )}
    </Page>
  );
}
