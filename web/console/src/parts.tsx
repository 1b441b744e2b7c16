// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Small parts that several pages share.
import { Button, Loader, Progress } from "@mantine/core";
import type { MouseEvent, ReactNode } from "react";
import { ServerError, type Job } from "./api";
import { useWords, type Words } from "./language";
import { navigate } from "./router";

/** A link inside the console: without loading the page anew, but with all that a browser does with links. */
export function Link({ to, children, className, label, current }: { to: string; children: ReactNode; className?: string; label?: string; current?: boolean }) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={to} className={className} onClick={follow} aria-label={label} aria-current={current ? "page" : undefined}>
      {children}
    </a>
  );
}

/** What went wrong, in the reader's language where the console knows it. */
export function errorWords(error: unknown, { t }: Words): string {
  if (!(error instanceof ServerError)) return t("error.unknown");
  if (error.status === 0) return t("error.unreachable");
  if (error.status === 401) return t("error.session");
  if (error.status === 403) return t("error.not_permitted");
  return error.message || t("error.status", { status: error.status });
}

/** A state of a page that holds nothing else: empty, failed, not allowed. Each says what to do next. */
export function Notice({ title, children, action, tone = "quiet", whole = false }: { title: string; children?: ReactNode; action?: ReactNode; tone?: "quiet" | "error"; whole?: boolean }) {
  // Where it is all that a page shows, its title is the page's.
  const Title = whole ? "h1" : "h2";
  return (
    <div className={`notice notice-${tone}`} role={tone === "error" ? "alert" : undefined}>
      <Title className="notice-title">{title}</Title>
      {children ? <div className="notice-words">{children}</div> : null}
      {action ? <div className="notice-action">{action}</div> : null}
    </div>
  );
}

export function Failure({ error, retry, whole }: { error: unknown; retry: () => void; whole?: boolean }) {
  const words = useWords();
  return (
    <Notice
      tone="error"
      whole={whole}
      title={words.t("error.title")}
      action={
        <Button variant="default" onClick={retry}>
          {words.t("action.retry")}
        </Button>
      }
    >
      {errorWords(error, words)}
    </Notice>
  );
}

export function Waiting() {
  const { t } = useWords();
  return (
    <div className="waiting">
      <Loader size="sm" aria-hidden="true" /> {t("state.loading")}
    </div>
  );
}

/** What went wrong with something that was asked for by hand; nothing when `error` is null. */
export function Trouble({ error }: { error: unknown }) {
  const words = useWords();
  if (!error) return null;
  return (
    <p className="banner banner-first" role="alert">
      {errorWords(error, words)}
    </p>
  );
}

/** Sentences of the server, in its own words. */
export function Bullets({ lines }: { lines: string[] }) {
  return (
    <ul className="bullets">
      {lines.map((line, index) => (
        <li key={index}>
          <bdi>{line}</bdi>
        </li>
      ))}
    </ul>
  );
}

/** How far a job is; with `words`, in words too. */
export function JobProgress({ job, words = false }: { job: Job; words?: boolean }) {
  const { t } = useWords();
  return (
    <>
      <Progress.Root size={words ? 8 : 6}>
        <Progress.Section value={job.progress * 100} aria-label={t("jobs.progress")} />
      </Progress.Root>
      {words ? <p className="quiet small">{[`${Math.floor(job.progress * 100)} %`, job.step].filter(Boolean).join(" · ")}</p> : null}
    </>
  );
}

export function Modalities({ list }: { list: string[] }) {
  return (
    <span className="modalities">
      {list.map((modality) => (
        <span key={modality} className="modality">
          {modality}
        </span>
      ))}
    </span>
  );
}

export function Page({ title, actions, children, lead }: { title: ReactNode; actions?: ReactNode; children: ReactNode; lead?: ReactNode }) {
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          <h1 tabIndex={-1}>{title}</h1>
          {lead}
        </div>
        {actions ? <div className="page-actions">{actions}</div> : null}
      </header>
      {children}
    </>
  );
}
