// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { Button, SegmentedControl, useComputedColorScheme } from "@mantine/core";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { analysisJob, findAnalysis, findMeasurements, startAnalysis, type Analysis } from "../analysis";
import { isActive, viewerInstalled, type Job } from "../api";
import { findSeries, findStudy, seriesAddress, type Series, type Study } from "../dicomweb";
import { AtAGlance, KeyImages, Measurements, picturesOf, ReportedMeasurements, type Picture } from "../findings";
import { isoDate, localTime, shortTime } from "../format";
import { findStack } from "../frames";
import { BackIcon, ExternalIcon, FileIcon } from "../icons";
import { useKeys } from "../keyboard";
import { useWords } from "../language";
import { useLoaded } from "../loading";
import { Bullets, Failure, JobProgress, Link, Modalities, Notice, Trouble, Waiting } from "../parts";
import { address, navigate } from "../router";
import { Viewer } from "../viewer";

/** Series that hold no pictures of the patient. */
const withoutPictures = new Set(["SR", "PR", "KO", "DOC", "AU", "PLAN", "REG", "RWV", "RTPLAN", "RTSTRUCT", "RTRECORD", "FID", "HD", "ECG"]);
const keyImageSeries = "Gantry key images";

function age(study: Study): string {
  const stated = /^0*(\d+)([DWMY])$/.exec(study.age);
  return stated ? `${stated[1]} ${(stated[2] ?? "").toLowerCase()}` : "";
}

function StudyHead({ study, actions }: { study: Study; actions: ReactNode }) {
  const { t, tn } = useWords();
  const facts: [string, string][] = [
    [t("column.patient_id"), study.patientId],
    [t("column.birth_date"), isoDate(study.birthDate)],
    [t("study.sex_age"), [study.sex, age(study)].filter(Boolean).join(" · ")],
    [t("column.date"), [isoDate(study.date), shortTime(study.time)].filter(Boolean).join(" ")],
    [t("column.accession"), study.accession],
    [t("study.extent"), `${tn("study.series", study.seriesCount)}, ${tn("study.images", study.instanceCount)}`],
  ];
  return (
    <header className="study-head">
      <div className="study-title">
        <Link to={address.worklist()} className="back" label={t("study.back")}>
          <BackIcon />
        </Link>
        <h1>
          <bdi>{study.patientName || t("worklist.no_name")}</bdi>
        </h1>
        <span className="study-description">
          <bdi>{study.description}</bdi>
        </span>
        <Modalities list={study.modalities} />
      </div>
      <div className="page-actions">{actions}</div>
      <dl className="study-facts">
        {facts
          .filter(([, value]) => value)
          .map(([term, value]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>
                <bdi>{value}</bdi>
              </dd>
            </div>
          ))}
      </dl>
    </header>
  );
}

function SeriesStrip({ study, list, chosen, choose }: { study: string; list: Series[]; chosen: string | null; choose: (uid: string) => void }) {
  const { t, tn } = useWords();
  const [broken, setBroken] = useState<Set<string>>(new Set());
  return (
    <ul className="strip" aria-label={t("study.series_list")}>
      {list.map((series) => {
        const plain = withoutPictures.has(series.modality) || broken.has(series.uid);
        return (
          <li key={series.uid}>
            <button type="button" className="strip-series" aria-pressed={series.uid === chosen} onClick={() => choose(series.uid)}>
              <span className="strip-picture">
                {plain ? <FileIcon /> : <img src={`${seriesAddress(study, series.uid)}/thumbnail?accept=image/jpeg`} alt="" loading="lazy" onError={() => setBroken((held) => new Set([...held, series.uid]))} />}
              </span>
              <span className="strip-words">
                <span className="strip-name">
                  <bdi>{series.description || t("study.no_description")}</bdi>
                </span>
                <span className="quiet small">
                  {[series.number !== null ? `#${series.number}` : "", series.modality].filter(Boolean).join(" ")} · {tn(plain || series.modality === "SEG" ? "study.objects" : "study.images", series.instanceCount)}
                </span>
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function ReportedSeries({ study, series }: { study: string; series: Series }) {
  const { t } = useWords();
  const rows = useLoaded((signal) => findMeasurements(study, series.uid, signal), [study, series.uid]);
  if (rows.error && !rows.value) return <Failure error={rows.error} retry={rows.reload} />;
  if (!rows.value) return <p className="quiet">{t("state.loading")}</p>;
  return <ReportedMeasurements rows={rows.value} />;
}

/** What stands where the findings would be: how to get them, how far they are, or why there are none. */
function NoAnalysis({ job, results, begin, busy, trouble }: { job: Job | null; results: boolean; begin: () => void; busy: boolean; trouble: unknown }) {
  const words = useWords();
  const { t } = words;
  if (job && isActive(job)) {
    return (
      <div className="notice notice-quiet">
        <h2>{t("study.analysing")}</h2>
        <div className="notice-action">
          <JobProgress job={job} words />
          <Link to={address.job(job.id)}>{t("study.open_job")}</Link>
        </div>
      </div>
    );
  }
  return (
    <Notice
      title={job?.state === "failed" ? t("study.analysis_failed") : t(results ? "study.results" : "study.not_analysed")}
      action={
        <Button onClick={begin} loading={busy}>
          {job?.state === "failed" ? t("action.retry") : t("study.analyse")}
        </Button>
      }
    >
      {trouble ? (
        <Trouble error={trouble} />
      ) : job?.error ? (
        <bdi>{job.error.message}</bdi>
      ) : (
        t(results ? "study.results_words" : "study.not_analysed_words")
      )}
    </Notice>
  );
}

function useKeyImages(study: string, series: Series[] | undefined, analysis: Analysis | null | undefined): Picture[] {
  const own = series?.find((one) => one.description === keyImageSeries);
  const fromReport = analysis?.report?.images ?? [];
  const wanted = own && analysis !== undefined && fromReport.length === 0 ? own : null;
  const stored = useLoaded(
    async (signal): Promise<Picture[]> => {
      if (!wanted) return [];
      const stack = await findStack(study, wanted.uid, wanted.instanceCount, signal);
      return stack.frames.map((frame, index) => ({
        number: index + 1,
        source: `${seriesAddress(study, wanted.uid)}/instances/${frame.instance}/rendered?accept=image/jpeg`,
        caption: frame.comment,
        alternative: frame.comment,
      }));
    },
    [study, wanted?.uid, wanted?.instanceCount],
  );
  return fromReport.length > 0 ? picturesOf(fromReport) : (stored.value ?? []);
}

export function StudyPage({ uid }: { uid: string }) {
  const words = useWords();
  const { t, language } = words;
  const [turn, setTurn] = useState(0);
  const study = useLoaded((signal) => findStudy(uid, signal), [uid], 10);
  const extent = `${study.value?.seriesCount ?? 0} ${study.value?.instanceCount ?? 0}`;
  const series = useLoaded((signal) => findSeries(uid, signal), [uid, extent]);
  const job = useLoaded((signal) => analysisJob(uid, signal), [uid, turn], 2);
  const jobEnd = job.value && !isActive(job.value) ? job.value.id + job.value.state : "";
  const analysis = useLoaded((signal) => findAnalysis(uid, signal), [uid, jobEnd]);
  const [chosen, setChosen] = useState<string | null>(null);
  const [view, setView] = useState("overview");
  const [opened, setOpened] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<unknown>(null);
  const [viewer, setViewer] = useState(false);
  const scheme = useComputedColorScheme("light");

  useEffect(() => {
    document.title = `${study.value?.patientName || t("study.title")} · Gantry`;
  }, [study.value?.patientName, t]);
  useEffect(() => {
    void viewerInstalled().then(setViewer);
  }, []);
  useKeys({ Escape: () => (opened === null ? navigate(address.worklist()) : false) });

  // The series of the patient first, then what was made of them.
  const sorted = useMemo(() => {
    const rank = (one: Series) => (one.description === keyImageSeries || withoutPictures.has(one.modality) ? 2 : one.modality === "SEG" ? 1 : 0);
    return [...(series.value ?? [])].sort((a, b) => rank(a) - rank(b));
  }, [series.value]);
  const shown = sorted.find((one) => one.uid === chosen) ?? sorted[0];
  const keyImages = useKeyImages(uid, series.value, analysis.loading ? undefined : analysis.value);
  const masks = [shown, ...sorted].find((one) => one?.modality === "SEG");
  const reported = sorted.find((one) => one.modality === "SR");

  if (study.error && !study.value) return <Failure whole error={study.error} retry={study.reload} />;
  if (study.value === undefined) {
    return <Waiting />;
  }
  if (study.value === null) {
    return (
      <Notice whole title={t("study.missing")} action={<Link to={address.worklist()}>{t("nowhere.action")}</Link>}>
        {t("study.missing_words")}
      </Notice>
    );
  }

  async function begin() {
    setBusy(true);
    setTrouble(null);
    try {
      await startAnalysis(uid, language);
      setTurn((count) => count + 1);
    } catch (error) {
      setTrouble(error);
    }
    setBusy(false);
  }

  const held = analysis.value;
  const report = held?.report ?? null;
  const running = isActive(job.value);
  return (
    <>
      <StudyHead
        study={study.value}
        actions={
          <>
            {held ? (
              <SegmentedControl
                aria-label={t("study.view")}
                value={view}
                onChange={setView}
                data={[
                  { value: "overview", label: t("study.overview") },
                  { value: "report", label: t("study.report") },
                ]}
              />
            ) : null}
            {held ? (
              <Button variant="default" onClick={begin} loading={busy || running}>
                {t("study.analyse_again")}
              </Button>
            ) : null}
            {viewer ? (
              <Button component="a" variant="default" href={address.viewer(uid, masks?.uid ?? null)} rightSection={<ExternalIcon />}>
                {t("study.open_viewer")}
              </Button>
            ) : null}
          </>
        }
      />
      {held ? <Trouble error={trouble} /> : null}
      {held && view === "report" ? (
        <section className="report" aria-label={t("study.report")}>
          <p className="row">
            <a href={held.file("report.html")} target="_blank" rel="noreferrer">
              {t("study.report_page")}
            </a>
            <a href={held.file("report.pdf")} target="_blank" rel="noreferrer">
              {t("study.report_pdf")}
            </a>
            <a href={held.file("measurements.csv")} target="_blank" rel="noreferrer">
              {t("study.report_csv")}
            </a>
          </p>
          <iframe src={held.file("report.html")} title={report?.title || t("study.report")} style={{ colorScheme: scheme }} />
        </section>
      ) : (
        <div className="study">
          <section className="study-glance" aria-labelledby="glance">
            <h2 id="glance">{t("study.at_a_glance")}</h2>
            {analysis.error && !held ? (
              <Failure error={analysis.error} retry={analysis.reload} />
            ) : analysis.loading && !held ? (
              <p className="quiet">{t("state.loading")}</p>
            ) : report ? (
              <AtAGlance report={report} show={setOpened} />
            ) : held ? null : (
              <NoAnalysis job={job.value ?? null} results={keyImages.length > 0 || reported !== undefined} begin={begin} busy={busy} trouble={trouble} />
            )}
          </section>
          <section className="study-images" aria-labelledby="images">
            <h2 id="images" className="hidden">
              {t("study.images_title")}
            </h2>
            {series.error && !series.value ? <Failure error={series.error} retry={series.reload} /> : null}
            <SeriesStrip study={uid} list={sorted} chosen={shown?.uid ?? null} choose={setChosen} />
            {shown && shown.modality === "SR" ? <ReportedSeries key={shown.uid} study={uid} series={shown} /> : shown && !withoutPictures.has(shown.modality) ? <Viewer key={shown.uid} study={uid} series={shown} /> : shown ? <Notice title={t("viewer.no_images")}>{t("viewer.other_words", { modality: shown.modality })}</Notice> : null}
          </section>
          <div className="study-rest">
            {keyImages.length > 0 ? (
              <section aria-labelledby="key-images">
                <h2 id="key-images">{t("study.key_images")}</h2>
                <KeyImages pictures={keyImages} opened={opened} open={setOpened} />
              </section>
            ) : null}
            {held ? (
              <section aria-labelledby="measurements">
                <h2 id="measurements">{t("findings.measurements")}</h2>
                <Measurements analysis={held} />
              </section>
            ) : !analysis.loading && reported ? (
              <section aria-labelledby="measurements">
                <h2 id="measurements">{t("findings.measurements")}</h2>
                <ReportedSeries study={uid} series={reported} />
              </section>
            ) : null}
            {report?.lists.slice(0, 2).map((list) => (
              <section key={list.title}>
                <h2>
                  <bdi>{list.title}</bdi>
                </h2>
                <Bullets lines={list.lines} />
              </section>
            ))}
            {held && held.warnings.length > 0 ? (
              <section>
                <h2>{t("jobs.warnings")}</h2>
                <Bullets lines={held.warnings} />
              </section>
            ) : null}
            {held && job.value?.ended ? <p className="quiet small">{t("study.analysed_at", { time: localTime(job.value.ended) })}</p> : null}
          </div>
        </div>
      )}
    </>
  );
}
