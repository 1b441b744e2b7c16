// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Addresses of the console: /console/, /console/studies/UID, /console/upload, /console/jobs, /console/jobs/ID,
// /console/models, /console/models/NAME, /console/rules, /console/users.
import { useSyncExternalStore } from "react";

export type Place =
  | { page: "worklist" }
  | { page: "study"; study: string }
  | { page: "upload" }
  | { page: "jobs"; job: string | null }
  | { page: "models"; model: string | null }
  | { page: "rules" }
  | { page: "users" }
  | { page: "nowhere" };

export const address = {
  worklist: () => "/console/",
  study: (uid: string) => `/console/studies/${encodeURIComponent(uid)}`,
  upload: () => "/console/upload",
  jobs: () => "/console/jobs",
  job: (id: string) => `/console/jobs/${encodeURIComponent(id)}`,
  models: () => "/console/models",
  model: (name: string) => `/console/models/${encodeURIComponent(name)}`,
  rules: () => "/console/rules",
  users: () => "/console/users",
  /** Of the packaged viewer, outside the console; it draws the masks of a segmentation series at once. */
  viewer: (study: string, masks: string | null) =>
    `/viewer?StudyInstanceUIDs=${encodeURIComponent(study)}${masks ? `&initialSeriesInstanceUID=${encodeURIComponent(masks)}` : ""}`,
};

export function placeOf(path: string): Place {
  let words: string[];
  try {
    words = path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return { page: "nowhere" };
  }
  if (words[0] === "console") words.shift();
  const [first, second] = words;
  if (words.length === 0) return { page: "worklist" };
  if (first === "studies" && second && words.length === 2) return { page: "study", study: second };
  if (first === "upload" && words.length === 1) return { page: "upload" };
  if (first === "jobs" && words.length <= 2) return { page: "jobs", job: second ?? null };
  if (first === "models" && words.length <= 2) return { page: "models", model: second ?? null };
  if (first === "rules" && words.length === 1) return { page: "rules" };
  if (first === "users" && words.length === 1) return { page: "users" };
  return { page: "nowhere" };
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", to);
  else if (to !== location.pathname) history.pushState(null, "", to);
  for (const listener of [...listeners]) listener();
}

/** The path of the address, as it changes. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}
