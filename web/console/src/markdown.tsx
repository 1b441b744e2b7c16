// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The Markdown of model cards as elements: headings, paragraphs, lists, tables, code, strong words. Text stays text; no markup of its own,
// no links and no images are taken over.
import type { ReactNode } from "react";

type Block = { kind: "heading"; level: number; text: string } | { kind: "text"; text: string } | { kind: "list"; items: string[] } | { kind: "table"; rows: string[][] };

/** The cells of a row "| a | b |"; "\|" is a bar within a cell. */
function cells(line: string): string[] {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open = false; // Whether the next line of text belongs to the last block.
  for (const line of markdown.split(/\r?\n/)) {
    const last = blocks[blocks.length - 1];
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const item = /^\s*[-*]\s+(.*)$/.exec(line);
    if (line.trim() === "") {
      open = false;
    } else if (heading) {
      blocks.push({ kind: "heading", level: heading[1]!.length, text: heading[2]! });
      open = false;
    } else if (line.trimStart().startsWith("|")) {
      const row = cells(line);
      const rule = row.every((cell) => /^:?-+:?$/.test(cell));
      if (open && last?.kind === "table") {
        if (!rule) last.rows.push(row);
      } else {
        blocks.push({ kind: "table", rows: [row] });
      }
      open = true;
    } else if (item) {
      if (open && last?.kind === "list") last.items.push(item[1]!);
      else blocks.push({ kind: "list", items: [item[1]!] });
      open = true;
    } else if (open && last?.kind === "list") {
      last.items[last.items.length - 1] += ` ${line.trim()}`;
    } else if (open && last?.kind === "text") {
      last.text += ` ${line.trim()}`;
    } else {
      blocks.push({ kind: "text", text: line.trim() });
      open = true;
    }
  }
  return blocks;
}

/** `code` and **strong** within a line. */
function inline(text: string): ReactNode[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece, index) => {
    if (/^`[^`]+`$/.test(piece)) return <code key={index}>{piece.slice(1, -1)}</code>;
    if (/^\*\*[^*]+\*\*$/.test(piece)) return <strong key={index}>{piece.slice(2, -2)}</strong>;
    return piece;
  });
}

function Table({ rows }: { rows: string[][] }) {
  const [head = [], ...body] = rows;
  const named = head.some((cell) => cell !== "");
  return (
    <div className="table-frame">
      <table className={named ? "plain report-table" : "plain"}>
        {named ? (
          <thead>
            <tr>
              {head.map((cell, index) => (
                <th key={index} scope="col">
                  {inline(cell)}
                </th>
              ))}
            </tr>
          </thead>
        ) : null}
        <tbody>
          {body.map((row, index) => (
            <tr key={index}>
              {row.map((cell, place) =>
                place === 0 && !named ? (
                  <th key={place} scope="row">
                    {inline(cell)}
                  </th>
                ) : (
                  <td key={place} data-label={head[place]}>
                    {inline(cell)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Below a heading of the page of level 2, so that its own begin at level 3; the title of the whole is left out. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="card-text" dir="auto">
      {blocksOf(text).map((block, index) => {
        if (block.kind === "table") return <Table key={index} rows={block.rows} />;
        if (block.kind === "text") return <p key={index}>{inline(block.text)}</p>;
        if (block.kind === "heading") return block.level === 1 ? null : <h3 key={index}>{inline(block.text)}</h3>;
        return (
          <ul key={index} className="bullets">
            {block.items.map((item, place) => (
              <li key={place}>{inline(item)}</li>
            ))}
          </ul>
        );
      })}
    </div>
  );
}
