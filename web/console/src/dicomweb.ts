// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// DICOMweb as the console needs it: searches, metadata, addresses of pictures.
import { askJson } from "./api";

export interface Element {
  vr: string;
  Value?: unknown[];
}
export type DataSet = Record<string, Element>;

export interface Study {
  uid: string;
  patientName: string;
  patientId: string;
  birthDate: string;
  sex: string;
  age: string;
  date: string;
  time: string;
  modalities: string[];
  description: string;
  accession: string;
  seriesCount: number;
  instanceCount: number;
}

export interface Series {
  uid: string;
  number: number | null;
  modality: string;
  description: string;
  instanceCount: number;
}

export function text(set: DataSet, tag: string): string {
  const value = set[tag]?.Value?.[0];
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

export function texts(set: DataSet, tag: string): string[] {
  return (set[tag]?.Value ?? []).filter((value): value is string => typeof value === "string" && value !== "");
}

export function numbers(set: DataSet, tag: string): number[] {
  return (set[tag]?.Value ?? []).map(Number).filter(Number.isFinite);
}

export function number(set: DataSet, tag: string): number | null {
  return numbers(set, tag)[0] ?? null;
}

export function items(set: DataSet, tag: string): DataSet[] {
  return (set[tag]?.Value ?? []).filter((value): value is DataSet => typeof value === "object" && value !== null);
}

function plainName(name: unknown): string {
  if (typeof name !== "string") return "";
  const parts = name.split("^").map((part) => part.trim());
  const [family = "", given = "", middle = "", prefix = "", suffix = ""] = parts;
  const rest = [given, middle].filter(Boolean).join(" ");
  const whole = [family, [prefix, rest].filter(Boolean).join(" ")].filter(Boolean).join(", ");
  return suffix ? `${whole}, ${suffix}` : whole;
}

/** A name as people write it: "Doe, Jane", with the name in its own script behind it. */
export function personName(set: DataSet, tag: string): string {
  const value = set[tag]?.Value?.[0];
  if (typeof value === "string") return plainName(value);
  if (typeof value !== "object" || value === null) return "";
  const groups = value as { Alphabetic?: string; Ideographic?: string };
  const alphabetic = plainName(groups.Alphabetic);
  const ideographic = typeof groups.Ideographic === "string" ? groups.Ideographic.replaceAll("^", "").trim() : "";
  if (!ideographic) return alphabetic;
  return alphabetic ? `${ideographic} (${alphabetic})` : ideographic;
}

export function studyOf(set: DataSet): Study {
  return {
    uid: text(set, "0020000D"),
    patientName: personName(set, "00100010"),
    patientId: text(set, "00100020"),
    birthDate: text(set, "00100030"),
    sex: text(set, "00100040"),
    age: text(set, "00101010"),
    date: text(set, "00080020"),
    time: text(set, "00080030"),
    modalities: texts(set, "00080061"),
    description: text(set, "00081030"),
    accession: text(set, "00080050"),
    seriesCount: number(set, "00201206") ?? 0,
    instanceCount: number(set, "00201208") ?? 0,
  };
}

export function seriesOf(set: DataSet): Series {
  return {
    uid: text(set, "0020000E"),
    number: number(set, "00200011"),
    modality: text(set, "00080060"),
    description: text(set, "0008103E"),
    instanceCount: number(set, "00201209") ?? 0,
  };
}

export interface StudyFilter {
  words: string;
  modality: string;
  /** Studies of so many days up to today; 0 = all. */
  days: number;
}

function dicomDate(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
}

function baseQuery(filter: StudyFilter): URLSearchParams {
  const query = new URLSearchParams();
  if (filter.modality) query.set("ModalitiesInStudy", filter.modality);
  if (filter.days > 0) {
    const first = new Date();
    first.setDate(first.getDate() - filter.days + 1);
    query.set("StudyDate", `${dicomDate(first)}-`);
  }
  return query;
}

function newestFirst(a: Study, b: Study): number {
  const left = a.date + a.time;
  const right = b.date + b.time;
  return left < right ? 1 : left > right ? -1 : 0;
}

const searched = ["PatientName", "PatientID", "StudyDescription", "AccessionNumber"];

/** The newest `limit` studies that fit, and whether there are more. Words are looked for in name, ID, description and accession number. */
export async function findStudies(filter: StudyFilter, limit: number, signal?: AbortSignal): Promise<{ studies: Study[]; more: boolean }> {
  // A backslash would separate values of a list.
  const words = filter.words.trim().replaceAll("\\", "?");
  const queries = (words ? searched : [""]).map((attribute) => {
    const query = baseQuery(filter);
    if (attribute) query.set(attribute, `*${words}*`);
    query.set("limit", String(limit + 1));
    return query;
  });
  const answers = await Promise.all(queries.map((query) => askJson<DataSet[]>(`/dicom-web/studies?${query}`, { signal })));
  const found = new Map<string, Study>();
  for (const set of answers.flat()) {
    const study = studyOf(set);
    if (study.uid) found.set(study.uid, study);
  }
  const studies = [...found.values()];
  if (answers.length > 1) studies.sort(newestFirst);
  return { studies: studies.slice(0, limit), more: studies.length > limit };
}

export async function findStudy(uid: string, signal?: AbortSignal): Promise<Study | null> {
  const found = await askJson<DataSet[]>(`/dicom-web/studies?StudyInstanceUID=${encodeURIComponent(uid)}`, { signal });
  return found[0] ? studyOf(found[0]) : null;
}

export function studyAddress(study: string): string {
  return `/dicom-web/studies/${encodeURIComponent(study)}`;
}

export function seriesAddress(study: string, series: string): string {
  return `${studyAddress(study)}/series/${encodeURIComponent(series)}`;
}

export async function findSeries(study: string, signal?: AbortSignal): Promise<Series[]> {
  const found = await askJson<DataSet[]>(`${studyAddress(study)}/series?limit=10000`, { signal });
  return found
    .map(seriesOf)
    .filter((series) => series.uid)
    .sort((a, b) => (a.number ?? 1e9) - (b.number ?? 1e9) || (a.uid < b.uid ? -1 : 1));
}
