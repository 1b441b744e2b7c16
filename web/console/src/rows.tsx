// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Tables whose rows are opened: by a click anywhere in the row, by Enter on its link, and with j, k and the arrows from row to row.
import { useRef, type KeyboardEvent, type ReactNode, type RefObject } from "react";
import { useKeys } from "./keyboard";
import { Link } from "./parts";
import { navigate } from "./router";

export interface RowKeys {
  body: RefObject<HTMLTableSectionElement | null>;
  onKeyDown: (event: KeyboardEvent) => void;
}

/** The body of such a table: `<tbody ref={keys.body} onKeyDown={keys.onKeyDown}>`. */
export function useRowKeys(): RowKeys {
  const body = useRef<HTMLTableSectionElement>(null);
  const step = (by: number) => {
    const links = [...(body.current?.querySelectorAll<HTMLAnchorElement>("a.row-link") ?? [])];
    if (links.length === 0) return;
    const at = links.findIndex((link) => link.closest("tr")?.contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by));
    links[next]?.focus();
    links[next]?.scrollIntoView({ block: "nearest" });
  };
  useKeys({ j: () => step(1), k: () => step(-1) });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  };
  return { body, onKeyDown };
}

/** A row that opens `to`: its name with the link, what stands beside the name, and the other cells. */
export function Row({ to, name, beside, chosen = false, children }: { to: string; name: ReactNode; beside?: ReactNode; chosen?: boolean; children: ReactNode }) {
  return (
    <tr
      className={chosen ? "chosen" : undefined}
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("a") && !getSelection()?.toString()) navigate(to);
      }}
    >
      <th scope="row">
        <Link to={to} className="row-link" current={chosen}>
          {name}
        </Link>
        {beside}
      </th>
      {children}
    </tr>
  );
}
