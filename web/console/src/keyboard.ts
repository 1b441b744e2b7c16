// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { useEffect, useRef } from "react";

/** Whether keys belong to what has the focus: a field in which one types, or an open dialogue. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (!target) return false;
  if (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName)) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "range", "file"].includes(target.type);
  return target.closest('[role="dialog"], [role="menu"], [role="listbox"]') !== null;
}

/** Calls the handler of a pressed key, by its name ("j", "/", "Enter"), unless somebody types; a true answer keeps the key from others. */
export function useKeys(keys: Record<string, (event: KeyboardEvent) => boolean | void>, active = true): void {
  const held = useRef(keys);
  held.current = keys;
  useEffect(() => {
    if (!active) return;
    const listener = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (document.querySelector('[role="dialog"]')) return;
      const handler = held.current[event.key];
      if (handler && handler(event) !== false) event.preventDefault();
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, [active]);
}
