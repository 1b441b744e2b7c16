// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Settings of one browser: columns and saved filters for good, the filter at hand until the window closes. Nothing about patients is kept
// but what somebody saved as a filter.
import { useCallback, useState } from "react";

function parsed<T>(text: string | null, usual: T): T {
  if (text === null) return usual;
  try {
    const value: unknown = JSON.parse(text);
    // A value of another shape was written by another version.
    if (Array.isArray(usual) !== Array.isArray(value) || typeof value !== typeof usual || value === null) return usual;
    return Array.isArray(usual) ? (value as T) : { ...usual, ...(value as T) };
  } catch {
    return usual;
  }
}

/** What this window held under `key`. */
export function remembered<T extends object>(key: string, usual: T): T {
  try {
    return parsed(sessionStorage.getItem(key), usual);
  } catch {
    return usual;
  }
}

export function useRemembered<T extends object>(key: string, usual: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    try {
      return parsed(localStorage.getItem(key), usual);
    } catch {
      return usual;
    }
  });
  const keep = useCallback(
    (next: T) => {
      setValue(next);
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // It then holds until the page is left.
      }
    },
    [key],
  );
  return [value, keep];
}
