// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// What the report of an analysis says, taken out of report.html as text: nothing of it becomes markup of the console.

export type Rank = "first" | "note" | "usual";

export interface Sentence {
  rank: Rank;
  chip: string;
  /** What the sentence is about, and the rest of it. */
  subject: string;
  rest: string;
  /** Numbers of key images. */
  images: number[];
}

export interface KeyImage {
  number: number;
  source: string;
  caption: string;
  alternative: string;
  width: number;
  height: number;
}

export interface Cell {
  text: string;
  numeric: boolean;
  /** A colour of the table of structures, "#rrggbb". */
  swatch: string | null;
}

export interface ReportTable {
  title: string;
  head: { text: string; numeric: boolean }[];
  rows: Cell[][];
  notes: string[];
}

export interface ReportList {
  title: string;
  lines: string[];
}

export interface Report {
  title: string;
  facts: { term: string; value: string }[];
  sentences: Sentence[];
  images: KeyImage[];
  tables: ReportTable[];
  lists: ReportList[];
}

function words(node: Element | null | undefined): string {
  return (node?.textContent ?? "").replace(/\s+/g, " ").trim();
}

function sentenceOf(line: Element): Sentence {
  const chip = line.querySelector(".chip");
  const says = line.querySelector(".says");
  const subject = words(says?.querySelector("strong"));
  const whole = words(says);
  const rank: Rank = chip?.classList.contains("first") ? "first" : chip?.classList.contains("note") ? "note" : "usual";
  const images = [...line.querySelectorAll('.see a[href^="#image-"]')].map((link) => Number(link.getAttribute("href")?.slice(7))).filter(Number.isInteger);
  return { rank, chip: words(chip), subject, rest: subject && whole.startsWith(subject) ? whole.slice(subject.length) : whole, images };
}

function imageOf(figure: Element): KeyImage | null {
  const picture = figure.querySelector("img");
  const source = picture?.getAttribute("src") ?? "";
  if (!picture || !/^data:image\/(png|jpeg);base64,/.test(source)) return null;
  const caption = figure.querySelector("figcaption");
  const number = words(caption?.querySelector("b"));
  return {
    number: Number(figure.id.replace("image-", "")),
    source,
    caption: words(caption).slice(number.length).trim(),
    alternative: picture.getAttribute("alt") ?? "",
    width: Number(picture.getAttribute("width")) || 1,
    height: Number(picture.getAttribute("height")) || 1,
  };
}

function tableOf(table: Element, title: string): ReportTable {
  const cell = (node: Element): Cell => ({
    text: words(node),
    numeric: node.classList.contains("n"),
    swatch: /#[0-9a-f]{6}\b/i.exec(node.querySelector(".swatch")?.getAttribute("style") ?? "")?.[0] ?? null,
  });
  const notes = [...(table.closest("section")?.querySelectorAll("p") ?? [])].map(words).filter(Boolean);
  return { title, head: [...table.querySelectorAll("thead th")].map(cell), rows: [...table.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("td, th")].map(cell)), notes };
}

/** The parts of a report that the console shows; those that a report lacks are empty. */
export function reportOf(html: string): Report {
  const page = new DOMParser().parseFromString(html, "text/html");
  const tables: ReportTable[] = [];
  const lists: ReportList[] = [];
  for (const section of page.querySelectorAll("main section:not([aria-labelledby])")) {
    const title = words(section.querySelector("h3")) || words(section.querySelector("h2"));
    const table = section.querySelector("table");
    const list = section.querySelector("ul.plain");
    if (table) tables.push(tableOf(table, title));
    else if (list) lists.push({ title, lines: [...list.children].map(words) });
  }
  return {
    title: words(page.querySelector("h1")),
    facts: [...page.querySelectorAll("dl.facts > div")].map((fact) => ({ term: words(fact.querySelector("dt")), value: words(fact.querySelector("dd")) })),
    sentences: [...page.querySelectorAll("ul.glance > li")].map(sentenceOf),
    images: [...page.querySelectorAll('figure[id^="image-"]')].map(imageOf).filter((image) => image !== null),
    tables,
    lists,
  };
}
