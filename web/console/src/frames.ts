// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The frames of a series in the order of space, what is known of their geometry, and their pictures as the server renders them.
import { ask, askJson } from "./api";
import { items, number, numbers, seriesAddress, text, type DataSet } from "./dicomweb";

export type Vector = [number, number, number];

export interface Frame {
  instance: string;
  /** From 1, within its instance. */
  number: number;
  instanceNumber: number;
  position: Vector | null;
  comment: string;
}

export interface Window {
  centre: number;
  width: number;
}

export interface Stack {
  frames: Frame[];
  /** Between rows and between columns, mm; null when it is not known. */
  spacing: [number, number] | null;
  rowDirection: Vector | null;
  columnDirection: Vector | null;
  headerWindow: Window | null;
  modality: string;
  photometric: string;
  /** Along the normal of the slices, mm; null where a frame has no position. */
  offsets: (number | null)[];
}

const mostMetadata = 1500;

function vectorOf(values: number[], from = 0): Vector | null {
  const [x, y, z] = values.slice(from, from + 3);
  return x === undefined || y === undefined || z === undefined ? null : [x, y, z];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** The item of a functional group: of the frame, else of all frames, else the object itself (a single slice). */
function group(object: DataSet, frame: number, sequence: string): DataSet {
  const own = items(object, "52009230")[frame];
  const shared = items(object, "52009229")[0];
  return (own && items(own, sequence)[0]) ?? (shared && items(shared, sequence)[0]) ?? object;
}

/** The order of space, or that of the numbers where places are missing or taken twice. */
export function ordered(frames: Frame[], normal: Vector | null): Frame[] {
  const byNumber = [...frames].sort((a, b) => a.instanceNumber - b.instanceNumber || a.number - b.number);
  if (!normal || frames.some((frame) => !frame.position)) return byNumber;
  const offset = (frame: Frame) => dot(frame.position as Vector, normal);
  if (new Set(frames.map((frame) => offset(frame).toFixed(2))).size < frames.length) return byNumber;
  const inSpace = [...frames].sort((a, b) => offset(a) - offset(b));
  const [first, last] = [inSpace[0], inSpace[inSpace.length - 1]];
  const turned = first && last && (last.instanceNumber - first.instanceNumber || last.number - first.number) < 0;
  return turned ? inSpace.reverse() : inSpace;
}

export function stackOf(objects: DataSet[]): Stack {
  const pictures = objects.filter((object) => (number(object, "00280010") ?? 0) > 0);
  const first = pictures[0] ?? {};
  const orientation = numbers(group(first, 0, "00209116"), "00200037");
  const rowDirection = vectorOf(orientation);
  const columnDirection = vectorOf(orientation, 3);
  const normal = rowDirection && columnDirection ? cross(rowDirection, columnDirection) : null;
  const frames = pictures.flatMap((object) => {
    const count = Math.min(number(object, "00280008") ?? 1, 5000);
    return Array.from({ length: count }, (_, index): Frame => ({
      instance: text(object, "00080018"),
      number: index + 1,
      instanceNumber: number(object, "00200013") ?? 0,
      position: vectorOf(numbers(group(object, index, "00209113"), "00200032")),
      comment: text(object, "00204000"),
    }));
  });
  const sorted = ordered(frames, normal);
  const [rows, columns] = numbers(group(first, 0, "00289110"), "00280030");
  const [imagerRows, imagerColumns] = numbers(first, "00181164");
  const spacing: [number, number] | null = rows && columns ? [rows, columns] : imagerRows && imagerColumns ? [imagerRows, imagerColumns] : null;
  const voi = group(first, 0, "00289132");
  const [centre] = numbers(voi, "00281050");
  const [width] = numbers(voi, "00281051");
  return {
    frames: sorted,
    spacing,
    rowDirection,
    columnDirection,
    headerWindow: centre !== undefined && width !== undefined && width >= 1 ? { centre, width } : null,
    modality: text(first, "00080060"),
    photometric: text(first, "00280004"),
    offsets: sorted.map((frame) => (normal && frame.position ? dot(frame.position, normal) : null)),
  };
}

/** The letter of the side of the patient that a direction points to. */
export function sideOf(direction: Vector): string {
  const sizes = direction.map(Math.abs);
  const axis = sizes.indexOf(Math.max(...sizes));
  return (direction[axis] ?? 0) >= 0 ? (["L", "P", "S"][axis] ?? "") : (["R", "A", "I"][axis] ?? "");
}

export async function findStack(study: string, series: string, instances: number, signal?: AbortSignal): Promise<Stack> {
  const base = seriesAddress(study, series);
  if (instances <= mostMetadata) return stackOf(await askJson<DataSet[]>(`${base}/metadata`, { signal }));
  // Of very long series the index tells the order; one object stands for the geometry of all.
  const rows = await askJson<DataSet[]>(`${base}/instances?limit=10000`, { signal });
  const one = rows[0] ? await askJson<DataSet[]>(`${base}/instances/${text(rows[0], "00080018")}/metadata`, { signal }) : [];
  return { ...stackOf(one), frames: ordered(stackOf(rows).frames, null), offsets: rows.map(() => null) };
}

/** 0.5 to 99.5 percentile of what is not background in a frame: a window for values without a scale. */
export async function windowOfValues(study: string, series: string, frame: Frame, signal?: AbortSignal): Promise<Window | null> {
  const base = `${seriesAddress(study, series)}/instances/${frame.instance}`;
  const [object = {}] = await askJson<DataSet[]>(`${base}/metadata`, { signal });
  const bits = number(object, "00280100");
  if ((bits !== 8 && bits !== 16) || number(object, "00280002") !== 1) return null;
  const bytes = await (await ask(`${base}/frames/${frame.number}`, { signal, headers: { Accept: "application/octet-stream" } })).arrayBuffer();
  const signed = number(object, "00280103") === 1;
  const cells = bits === 8 ? new Uint8Array(bytes) : signed ? new Int16Array(bytes, 0, bytes.byteLength >> 1) : new Uint16Array(bytes, 0, bytes.byteLength >> 1);
  const { slope, intercept } = { slope: number(object, "00281053") ?? 1, intercept: number(object, "00281052") ?? 0 };
  let largest = -Infinity;
  for (const cell of cells) largest = Math.max(largest, cell);
  const body = cells.filter((cell) => cell > largest * 0.05).sort();
  if (body.length < 100) return null;
  const at = (part: number) => (body[Math.floor(part * (body.length - 1))] ?? 0) * slope + intercept;
  const [low, high] = [at(0.005), at(0.995)];
  return high > low ? { centre: (low + high) / 2, width: Math.max(1, high - low) } : null;
}

export function pictureAddress(study: string, series: string, frame: Frame, window: Window | null): string {
  const query = new URLSearchParams({ accept: "image/jpeg" });
  if (window) query.set("window", `${window.centre},${window.width},LINEAR`);
  return `${seriesAddress(study, series)}/instances/${frame.instance}/frames/${frame.number}/rendered?${query}`;
}

/** Pictures by address: fetched once, at most three at a time and the wanted one first; the ones used last are kept. */
export class Pictures {
  private readonly held = new Map<string, Promise<Blob>>();
  private readonly done = new Set<string>();
  private ahead: string[] = [];
  private busy = 0;
  private readonly controller = new AbortController();

  constructor(
    private readonly most: number,
    private readonly onLoaded: () => void,
  ) {}

  has(address: string): boolean {
    return this.done.has(address);
  }

  get(address: string): Promise<Blob> {
    const known = this.held.get(address);
    if (known) {
      this.held.delete(address);
      this.held.set(address, known);
      return known;
    }
    const coming = ask(address, { signal: this.controller.signal }).then((response) => response.blob());
    this.held.set(address, coming);
    coming.then(
      () => {
        this.done.add(address);
        this.onLoaded();
      },
      () => this.held.delete(address),
    );
    for (const [oldest] of this.held) {
      if (this.held.size <= this.most) break;
      this.held.delete(oldest);
      this.done.delete(oldest);
    }
    return coming;
  }

  /** Fetches these when there is nothing better to do, in this order, in place of what was wanted before. */
  want(addresses: string[]): void {
    this.ahead = addresses.filter((address) => !this.held.has(address)).slice(0, this.most);
    this.pump();
  }

  stop(): void {
    this.ahead = [];
    this.controller.abort();
  }

  private pump(): void {
    while (this.busy < 3 && !this.controller.signal.aborted) {
      const next = this.ahead.shift();
      if (next === undefined) return;
      if (this.held.has(next)) continue;
      ++this.busy;
      const ended = () => {
        --this.busy;
        this.pump();
      };
      this.get(next).then(ended, ended);
    }
  }
}
