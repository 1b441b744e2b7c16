// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Uploads by STOW-RS: a queue that goes on while one looks at other pages. Files travel in batches, straight from the disk.
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { signedOut } from "./api";
import { items, number, text, texts, type DataSet } from "./dicomweb";

const filesInBatch = 24;
const bytesInBatch = 48e6;
const batchesAtOnce = 2;

export interface Refused {
  file: string;
  /** What the server said; empty when it did not answer. */
  reason: string;
}

interface State {
  running: boolean;
  files: number;
  bytes: number;
  sentBytes: number;
  stored: number;
  skipped: number;
  refused: Refused[];
  studies: string[];
}

export interface Uploads extends State {
  fraction: number;
  add: (files: File[]) => void;
  cancel: () => void;
  clear: () => void;
}

const nothing: State = { running: false, files: 0, bytes: 0, sentBytes: 0, stored: 0, skipped: 0, refused: [], studies: [] };
const Context = createContext<Uploads | null>(null);

/** Files that every medium carries along and that are no objects. */
function isAside(file: File): boolean {
  return file.name.startsWith(".") || /^(dicomdir|thumbs\.db|desktop\.ini)$/i.test(file.name) || file.size === 0;
}

function batchesOf(files: File[]): File[][] {
  const batches: File[][] = [];
  let size = Infinity;
  for (const file of files) {
    const last = batches[batches.length - 1];
    if (!last || last.length >= filesInBatch || size + file.size > bytesInBatch) {
      batches.push([file]);
      size = file.size;
    } else {
      last.push(file);
      size += file.size;
    }
  }
  return batches;
}

interface Outcome {
  stored: number;
  refused: Refused[];
  studies: string[];
}

/** What a STOW-RS answer says of a batch. */
export function outcomeOf(answer: DataSet, batch: { name: string }[]): Outcome {
  const stored = items(answer, "00081199");
  const refused = items(answer, "00081198").map((row) => {
    // The server's private block says which part of the request it was, and why it was refused.
    const part = number(row, "00091002");
    return { file: (part !== null && batch[part - 1]?.name) || "?", reason: text(row, "00091001") };
  });
  const studies = stored.flatMap((row) => texts(row, "00081190")).map((url) => /\/studies\/([0-9.]+)/.exec(url)?.[1] ?? "");
  return { stored: stored.length, refused, studies: studies.filter(Boolean) };
}

function send(batch: File[], onProgress: (bytes: number) => void, register: (request: XMLHttpRequest) => void): Promise<Outcome> {
  const boundary = `gantry-console-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
  const parts: BlobPart[] = batch.flatMap((file) => [`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, file, "\r\n"]);
  const body = new Blob([...parts, `--${boundary}--\r\n`]);
  const total = batch.reduce((sum, file) => sum + file.size, 0);
  const all = (reason: string): Outcome => ({ stored: 0, refused: batch.map((file) => ({ file: file.name, reason })), studies: [] });
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    register(request);
    request.open("POST", "/dicom-web/studies");
    request.setRequestHeader("Content-Type", `multipart/related; type="application/dicom"; boundary=${boundary}`);
    request.setRequestHeader("Accept", "application/dicom+json");
    request.responseType = "json";
    // Headers between the parts count too; what is shown never exceeds the files.
    request.upload.onprogress = (event) => onProgress(Math.min(total, event.loaded));
    request.onload = () => {
      onProgress(total);
      if (request.status === 401) signedOut();
      const answer: unknown = request.response;
      if (answer && typeof answer === "object" && ("00081199" in answer || "00081198" in answer)) {
        resolve(outcomeOf(answer as DataSet, batch));
      } else {
        resolve(all((answer as { error?: { message?: string } } | null)?.error?.message ?? `HTTP ${request.status}`));
      }
    };
    request.onerror = () => resolve(all(""));
    request.onabort = () => resolve({ stored: 0, refused: [], studies: [] });
    request.send(body);
  });
}

export function UploadsProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<State>(nothing);
  const queue = useRef<File[][]>([]);
  const active = useRef(new Set<XMLHttpRequest>());

  const pump = useCallback(() => {
    while (active.current.size < batchesAtOnce) {
      const batch = queue.current.shift();
      if (!batch) return;
      let before = 0;
      let own: XMLHttpRequest | null = null;
      const progress = (bytes: number) => {
        const more = bytes - before;
        before = bytes;
        setState((held) => ({ ...held, sentBytes: held.sentBytes + more }));
      };
      const register = (request: XMLHttpRequest) => {
        own = request;
        active.current.add(request);
      };
      void send(batch, progress, register).then((outcome) => {
        if (own) active.current.delete(own);
        setState((held) => ({
          ...held,
          running: active.current.size > 0 || queue.current.length > 0,
          stored: held.stored + outcome.stored,
          refused: [...held.refused, ...outcome.refused].slice(0, 1000),
          studies: [...new Set([...held.studies, ...outcome.studies])],
        }));
        pump();
      });
    }
  }, []);

  const add = useCallback(
    (files: File[]) => {
      const wanted = files.filter((file) => !isAside(file));
      const bytes = wanted.reduce((sum, file) => sum + file.size, 0);
      setState((held) => ({ ...held, running: held.running || wanted.length > 0, files: held.files + wanted.length, bytes: held.bytes + bytes, skipped: held.skipped + files.length - wanted.length }));
      queue.current.push(...batchesOf(wanted));
      pump();
    },
    [pump],
  );
  const cancel = useCallback(() => {
    queue.current = [];
    for (const request of [...active.current]) request.abort();
    active.current.clear();
    setState((held) => ({ ...held, running: false }));
  }, []);
  const clear = useCallback(() => setState((held) => (held.running ? held : nothing)), []);

  useEffect(() => {
    if (!state.running) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [state.running]);

  const uploads = useMemo<Uploads>(() => ({ ...state, fraction: state.bytes > 0 ? Math.min(1, state.sentBytes / state.bytes) : 0, add, cancel, clear }), [state, add, cancel, clear]);
  return <Context.Provider value={uploads}>{children}</Context.Provider>;
}

export function useUploads(): Uploads {
  const uploads = useContext(Context);
  if (!uploads) throw new Error("useUploads: needs an UploadsProvider above");
  return uploads;
}
