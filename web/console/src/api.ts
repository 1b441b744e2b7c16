// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// What the server is asked, and how its errors arrive here.

/** A refusal of the server in the form of every route, or status 0 when it did not answer. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface Job {
  id: string;
  kind: "operation" | "analysis";
  operation?: string;
  study_uid?: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  progress: number;
  step?: string;
  created: string;
  started: string | null;
  ended: string | null;
  warnings?: string[];
  error: { code: string; message: string } | null;
  outputs?: { name: string; type: string; media_type: string; bytes: number; href: string }[];
}

export function isActive(job: Job | null | undefined): boolean {
  return job?.state === "queued" || job?.state === "running";
}

let whenSignedOut: () => void = () => {};

/** Called when the server says that there is no session any more. */
export function onSignedOut(listener: () => void): void {
  whenSignedOut = listener;
}

export function signedOut(): void {
  whenSignedOut();
}

export async function errorOf(response: Response): Promise<ServerError> {
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    return new ServerError(response.status, String(error.code), String(error.message));
  } catch {
    return new ServerError(response.status, "unknown", response.statusText);
  }
}

/** The answer of an address of this server; a ServerError for any other than a 2xx. */
export async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (failure) {
    if (options.signal?.aborted) throw failure;
    throw new ServerError(0, "unreachable", "");
  }
  if (response.ok) return response;
  const error = await errorOf(response);
  if (response.status === 401 && path !== "/api/v1/login") signedOut();
  throw error;
}

export async function askJson<T>(path: string, options: RequestInit = {}): Promise<T> {
  return (await (await ask(path, options)).json()) as T;
}

function withJson(method: string, body: unknown): RequestInit {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

export async function logIn(user: string, password: string): Promise<string> {
  const answer = await askJson<{ user: string }>("/api/v1/login", withJson("POST", { user, password }));
  return answer.user;
}

export async function logOut(): Promise<void> {
  await ask("/api/v1/logout", { method: "POST" });
}

/** Who is logged in; null when nobody is. */
export async function sessionUser(): Promise<string | null> {
  try {
    return (await askJson<{ user: string }>("/api/v1/session")).user;
  } catch (error) {
    if (error instanceof ServerError && error.status === 401) return null;
    throw error;
  }
}

export async function serverVersion(): Promise<string> {
  return (await askJson<{ gantry_version: string }>("/api/v1/health")).gantry_version;
}

export async function changePassword(password: string, newPassword: string): Promise<void> {
  await ask("/api/v1/password", withJson("POST", { password, new_password: newPassword }));
}

/** Who alone manages the users. */
export const administrator = "admin";

export async function listUsers(signal?: AbortSignal): Promise<string[]> {
  return (await askJson<{ users: string[] }>("/api/v1/users", { signal })).users;
}

export async function addUser(user: string, password: string): Promise<void> {
  await ask("/api/v1/users", withJson("POST", { user, password }));
}

/** Sets another user's password, which ends that user's sessions. */
export async function setUserPassword(user: string, password: string): Promise<void> {
  await ask(`/api/v1/users/${encodeURIComponent(user)}/password`, withJson("POST", { password }));
}

export async function removeUser(user: string): Promise<void> {
  await ask(`/api/v1/users/${encodeURIComponent(user)}`, { method: "DELETE" });
}

export async function listJobs(signal?: AbortSignal): Promise<Job[]> {
  return (await askJson<{ jobs: Job[] }>("/api/v1/jobs", { signal })).jobs;
}

export async function findJob(id: string, signal?: AbortSignal): Promise<Job> {
  return askJson<Job>(`/api/v1/jobs/${encodeURIComponent(id)}`, { signal });
}

/** Cancels a job that has not ended, removes one that has. */
export async function removeJob(id: string): Promise<void> {
  await ask(`/api/v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** Figures of a model on one part of its data: numbers by name, NAME_interval as [low, high], those of its structures, or of levels of noise. */
export interface ModelFigures {
  cases?: number;
  structures?: Record<string, Record<string, unknown>>;
  levels?: Record<string, unknown>[];
  [name: string]: unknown;
}

/** A trained model that is installed; a part of a method has no manifest and so little to say. */
export interface Model {
  name: string;
  form: "bundle" | "part";
  state: "whole" | "damaged";
  error: string | null;
  sha256: string;
  bytes: number;
  profiles: string[];
  version?: string;
  task?: string;
  title?: string;
  intended_use?: string;
  not_for?: string;
  data?: string;
  licence?: string;
  classes?: string[];
  figures?: Record<string, ModelFigures>;
  card?: string;
}

export async function listModels(signal?: AbortSignal): Promise<Model[]> {
  return (await askJson<{ models: Model[] }>("/api/v1/models", { signal })).models;
}

export async function findModel(name: string, signal?: AbortSignal): Promise<Model> {
  return askJson<Model>(`/api/v1/models/${encodeURIComponent(name)}`, { signal });
}

export interface ArrivalRule {
  modality: string;
  description: string;
  analyze: boolean;
  profile: string;
  language: string;
}

/** What happens to studies that arrive; of the rules the first that fits decides. */
export interface Arrival {
  on_arrival: boolean;
  quiet_seconds: number;
  language: string;
  rules: ArrivalRule[];
}

/** What the rules say of a study that is there. */
export interface ArrivalOutcome {
  study_uid: string;
  rule: number | null;
  analyze: boolean;
  profile: string;
  language: string;
}

export async function arrivalRules(signal?: AbortSignal): Promise<Arrival> {
  return askJson<Arrival>("/api/v1/arrival", { signal });
}

export async function arrivalOutcomes(limit: number, signal?: AbortSignal): Promise<ArrivalOutcome[]> {
  return (await askJson<{ studies: ArrivalOutcome[] }>(`/api/v1/arrival/studies?limit=${limit}`, { signal })).studies;
}

let viewer: Promise<boolean> | null = null;

/** Whether a full viewer is installed at /viewer. Asked once. */
export function viewerInstalled(): Promise<boolean> {
  viewer ??= fetch("/viewer", { method: "HEAD", credentials: "same-origin" }).then(
    (response) => response.ok,
    () => false,
  );
  return viewer;
}
