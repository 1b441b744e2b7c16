// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { Button, Modal } from "@mantine/core";
import { useEffect, useState, type ReactNode } from "react";
import { findJob, isActive, listJobs, removeJob, type Job } from "../api";
import { bytes, duration, localTime } from "../format";
import { useKeys } from "../keyboard";
import { useWords, type Words } from "../language";
import { useLoaded } from "../loading";
import { Bullets, Failure, JobProgress, Link, Notice, Page, Trouble, Waiting } from "../parts";
import { address, navigate } from "../router";
import { Row, useRowKeys } from "../rows";

export function jobTitle(job: Job, { t }: Words): string {
  return job.kind === "analysis" ? t("jobs.analysis") : (job.operation ?? t("jobs.operation"));
}

function took(job: Job): string {
  if (!job.started) return "";
  const end = job.ended ? new Date(job.ended) : new Date();
  return duration((end.getTime() - new Date(job.started).getTime()) / 1000);
}

const stateClass = { queued: "plain", running: "accent", done: "usual", failed: "first", cancelled: "note" } as const;

export function JobState({ job }: { job: Job }) {
  const { t } = useWords();
  return <span className={`chip chip-${stateClass[job.state]}`}>{t(`jobs.state.${job.state}`)}</span>;
}

function JobDetails({ id, onGone }: { id: string; onGone: () => void }) {
  const words = useWords();
  const { t } = words;
  const [asking, setAsking] = useState(false);
  const [trouble, setTrouble] = useState<unknown>(null);
  const job = useLoaded((signal) => findJob(id, signal), [id], 1.5);
  if (!job.value) {
    if (job.error) return <Failure error={job.error} retry={job.reload} />;
    return <Waiting />;
  }
  const held = job.value;
  const remove = async () => {
    setAsking(false);
    try {
      await removeJob(id);
      if (isActive(held)) job.reload();
      else onGone();
    } catch (error) {
      setTrouble(error);
    }
  };
  const facts: [string, ReactNode][] = [
    [t("jobs.created"), localTime(held.created)],
    [t("jobs.took"), took(held)],
    [t("jobs.id"), <code key="id">{held.id}</code>],
  ];
  return (
    <section className="details" aria-label={jobTitle(held, words)}>
      <h2>
        <span>{jobTitle(held, words)}</span> <JobState job={held} />
      </h2>
      {isActive(held) ? <JobProgress job={held} words /> : null}
      {held.error ? (
        <p className="banner banner-first">
          <bdi>{held.error.message}</bdi>
        </p>
      ) : null}
      <Trouble error={trouble} />
      <dl className="facts-list">
        {facts
          .filter(([, value]) => value !== "")
          .map(([term, value]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        {held.study_uid ? (
          <div>
            <dt>{t("jobs.study")}</dt>
            <dd>
              <Link to={address.study(held.study_uid)}>{t("jobs.open_study")}</Link>
            </dd>
          </div>
        ) : null}
      </dl>
      {held.warnings && held.warnings.length > 0 ? (
        <>
          <h3>{t("jobs.warnings")}</h3>
          <Bullets lines={held.warnings} />
        </>
      ) : null}
      {held.outputs && held.outputs.length > 0 ? (
        <>
          <h3>{t("jobs.results")}</h3>
          <ul className="outputs">
            {held.outputs.map((output) => (
              <li key={output.name}>
                <a href={output.href} target="_blank" rel="noreferrer">
                  <bdi>{output.name}</bdi>
                </a>
                <span className="quiet tabular">{bytes(output.bytes)}</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      <div className="row">
        <Button variant="default" onClick={() => setAsking(true)}>
          {isActive(held) ? t("jobs.cancel") : t("jobs.remove")}
        </Button>
      </div>
      <Modal opened={asking} onClose={() => setAsking(false)} title={isActive(held) ? t("jobs.cancel") : t("jobs.remove")} closeButtonProps={{ "aria-label": t("action.close") }}>
        <p>{t(isActive(held) ? "jobs.cancel_words" : "jobs.remove_words", { name: jobTitle(held, words), time: localTime(held.created), count: held.outputs?.length ?? 0 })}</p>
        <div className="row">
          <Button className="danger" onClick={remove}>
            {isActive(held) ? t("jobs.cancel") : t("jobs.remove")}
          </Button>
          <Button variant="default" onClick={() => setAsking(false)} data-autofocus>
            {t("action.keep")}
          </Button>
        </div>
      </Modal>
    </section>
  );
}

export function JobsPage({ chosen }: { chosen: string | null }) {
  const words = useWords();
  const { t, tn } = words;
  const jobs = useLoaded(listJobs, [], 2);
  useEffect(() => {
    document.title = `${t("place.jobs")} · Gantry`;
  }, [t]);
  const rows = useRowKeys();
  useKeys({ Escape: () => (chosen ? navigate(address.jobs()) : false) });
  const active = jobs.value?.filter(isActive).length ?? 0;

  let content: ReactNode;
  if (!jobs.value && jobs.error) {
    content = <Failure error={jobs.error} retry={jobs.reload} />;
  } else if (!jobs.value) {
    content = <Waiting />;
  } else if (jobs.value.length === 0) {
    content = (
      <Notice title={t("jobs.empty")} action={<Link to={address.worklist()}>{t("jobs.empty_action")}</Link>}>
        {t("jobs.empty_words")}
      </Notice>
    );
  } else {
    content = (
      <div className="table-frame">
        <table className="worklist jobs">
          <caption className="hidden">{t("place.jobs")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("jobs.work")}</th>
              <th scope="col">{t("jobs.state")}</th>
              <th scope="col" className="job-progress">
                {t("jobs.progress")}
              </th>
              <th scope="col">{t("jobs.created")}</th>
              <th scope="col" className="number">
                {t("jobs.took")}
              </th>
            </tr>
          </thead>
          <tbody ref={rows.body} onKeyDown={rows.onKeyDown}>
            {jobs.value.map((job) => (
              <Row key={job.id} to={address.job(job.id)} name={jobTitle(job, words)} chosen={job.id === chosen}>
                <td data-label={t("jobs.state")}>
                  <JobState job={job} />
                </td>
                <td data-label={t("jobs.progress")} className="job-progress">
                  {isActive(job) ? (
                    <JobProgress job={job} />
                  ) : (
                    <span className="quiet">{job.error ? <bdi>{job.error.message}</bdi> : ""}</span>
                  )}
                </td>
                <td data-label={t("jobs.created")} className="tabular">
                  {localTime(job.created)}
                </td>
                <td data-label={t("jobs.took")} className="number">
                  {took(job)}
                </td>
              </Row>
            ))}
          </tbody>
        </table>
      </div>
    );
  }
  return (
    <Page title={t("place.jobs")} lead={jobs.value && jobs.value.length > 0 ? <span className="quiet">{active > 0 ? tn("jobs.active", active) : t("jobs.none_active")}</span> : null}>
      <div className={chosen ? "split" : undefined}>
        <div>{content}</div>
        {chosen ? (
          <JobDetails
            key={chosen}
            id={chosen}
            onGone={() => {
              navigate(address.jobs());
              jobs.reload();
            }}
          />
        ) : null}
      </div>
    </Page>
  );
}
