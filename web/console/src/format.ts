// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Values as people read them: ISO dates, sizes, durations, units.

/** "20250201" as "2025-02-01"; anything else as it is. */
export function isoDate(date: string): string {
  return /^\d{8}$/.test(date) ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` : date;
}

/** "093015.12" as "09:30". */
export function shortTime(time: string): string {
  return /^\d{4}/.test(time) ? `${time.slice(0, 2)}:${time.slice(2, 4)}` : "";
}

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    ++unit;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Seconds as "8 s", "2 min 05 s", "1 h 02 min". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** A time of the server (UTC) in the reader's own time zone: "2026-11-22 09:30". */
export function localTime(utc: string | null | undefined): string {
  const time = utc ? new Date(utc) : null;
  if (!time || Number.isNaN(time.getTime())) return "";
  const two = (value: number) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

const unitWords: Record<string, string> = { "[hnsf'U]": "HU", "1": "", "%": "%", ml: "mL", mm2: "mm²", cm2: "cm²", mm3: "mm³", cm3: "cm³", Cel: "°C", "{SUVbw}g/mL": "g/mL" };

/** A UCUM unit as people write it. */
export function unitWord(ucum: string): string {
  return unitWords[ucum] ?? ucum.replace(/\{[^}]*\}/g, "");
}

/** Three significant digits, never in powers of ten where a plain number does. */
export function measured(value: number): string {
  if (!Number.isFinite(value)) return "";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toPrecision(3);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(size)));
  return value.toFixed(digits);
}
