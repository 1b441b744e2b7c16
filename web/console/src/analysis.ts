// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The analysis of a study: its findings and its report, or the measurements of a DICOM SR where there is no more.
import { ask, askJson, listJobs, ServerError, type Job } from "./api";
import { items, number, seriesAddress, text, type DataSet } from "./dicomweb";
import { reportOf, type Report } from "./report";

export interface Finding {
  id: string;
  name: string;
  value: number | null;
  unit: string;
  interval: [number, number] | null;
  method: string;
}

interface Summary {
  gantry_version: string;
  studies: { study_uid: string; findings: Finding[]; warnings: string[]; models: string[] }[];
}

export interface Analysis {
  findings: Finding[];
  warnings: string[];
  report: Report | null;
  /** Address of a file of the analysis. */
  file: (name: string) => string;
}

function analysisAddress(study: string): string {
  return `/api/v1/studies/${encodeURIComponent(study)}/analysis`;
}

/** The latest analysis of a study; null when there is none. */
export async function findAnalysis(study: string, signal?: AbortSignal): Promise<Analysis | null> {
  const base = analysisAddress(study);
  let summary: Summary;
  try {
    summary = await askJson<Summary>(base, { signal });
  } catch (error) {
    if (error instanceof ServerError && error.status === 404) return null;
    throw error;
  }
  let report: Report | null = null;
  try {
    report = reportOf(await (await ask(`${base}/files/report.html`, { signal })).text());
  } catch (error) {
    // Findings are worth showing without their report.
    if (!(error instanceof ServerError) || error.status !== 404) throw error;
  }
  const own = summary.studies.filter((one) => one.study_uid === study);
  const shown = own.length > 0 ? own : summary.studies;
  return { findings: shown.flatMap((one) => one.findings), warnings: shown.flatMap((one) => one.warnings), report, file: (name) => `${base}/files/${name}` };
}

export async function startAnalysis(study: string, language: string): Promise<Job> {
  return askJson<Job>(analysisAddress(study), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ language }) });
}

/** The newest analysis of a study among the jobs that one may see. */
export async function analysisJob(study: string, signal?: AbortSignal): Promise<Job | null> {
  return (await listJobs(signal)).find((job) => job.kind === "analysis" && job.study_uid === study) ?? null;
}

export interface Measurement {
  place: string;
  name: string;
  value: number;
  unit: string;
}

const findingSite = "363698007";
const trackingIdentifier = "112039";

function meaning(set: DataSet, tag: string): string {
  return text(items(set, tag)[0] ?? {}, "00080104");
}

function codeValue(set: DataSet, tag: string): string {
  return text(items(set, tag)[0] ?? {}, "00080100");
}

/** The measured values of a structured report (PS3.3 C.17.3), each with the place or the tracking identifier of its group. */
export function measurementsOf(report: DataSet): Measurement[] {
  const found: Measurement[] = [];
  const walk = (set: DataSet, around: string, depth: number) => {
    if (depth > 16 || found.length > 5000) return;
    const children = items(set, "0040A730");
    let place = "";
    let tracking = "";
    for (const child of children) {
      const concept = codeValue(child, "0040A043");
      if (concept === findingSite) place = meaning(child, "0040A168");
      if (concept === trackingIdentifier) tracking = text(child, "0040A160");
    }
    const own = tracking || place || around;
    for (const child of children) {
      const value = items(child, "0040A300")[0];
      const measured = value ? number(value, "0040A30A") : null;
      if (text(child, "0040A040") !== "NUM") walk(child, own, depth + 1);
      // What hangs below a number (its uncertainty, how it was selected) is no measurement of its own.
      else if (value && measured !== null) found.push({ place: own, name: meaning(child, "0040A043"), value: measured, unit: codeValue(value, "004008EA") });
    }
  };
  walk(report, "", 0);
  return found;
}

export async function findMeasurements(study: string, series: string, signal?: AbortSignal): Promise<Measurement[]> {
  return (await askJson<DataSet[]>(`${seriesAddress(study, series)}/metadata`, { signal })).flatMap(measurementsOf);
}
