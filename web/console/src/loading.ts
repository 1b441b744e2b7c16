// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { useCallback, useEffect, useRef, useState } from "react";

export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

/** What `load` gives, again whenever `inputs` change, and every `seconds` while the page is seen. The last value stays while a new one comes. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[], seconds = 0): Loaded<T> {
  const [state, setState] = useState<{ value: T | undefined; error: unknown; loading: boolean }>({ value: undefined, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  const held = useRef(load);
  held.current = load;
  const reload = useCallback(() => setTurn((count) => count + 1), []);
  useEffect(() => {
    const controller = new AbortController();
    let timer = 0;
    let first = true;
    const go = async () => {
      if (first) setState((before) => ({ ...before, loading: true }));
      first = false;
      try {
        const value = await held.current(controller.signal);
        if (!controller.signal.aborted) setState({ value, error: null, loading: false });
      } catch (error) {
        if (!controller.signal.aborted) setState((before) => ({ value: before.value, error, loading: false }));
      }
      if (seconds > 0 && !controller.signal.aborted) timer = window.setTimeout(next, seconds * 1000);
    };
    const next = () => (document.hidden ? (timer = window.setTimeout(next, seconds * 1000)) : void go());
    void go();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
    // The loader itself changes with each drawing; what it depends on is named by the caller.
  }, [...inputs, turn, seconds]);
  return { ...state, reload };
}
