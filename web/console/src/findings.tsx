// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// What an analysis found: sentences, key images, measurements.
import { Modal } from "@mantine/core";
import { useState } from "react";
import type { Analysis, Finding, Measurement } from "./analysis";
import { measured, unitWord } from "./format";
import { useWords } from "./language";
import type { KeyImage, Report, ReportTable } from "./report";

export function AtAGlance({ report, show }: { report: Report; show: (number: number) => void }) {
  const { t } = useWords();
  if (report.sentences.length === 0) return <p className="quiet">{t("findings.none")}</p>;
  return (
    <ul className="glance">
      {report.sentences.map((sentence, index) => (
        <li key={index}>
          <span className={`chip chip-${sentence.rank}`}>{sentence.chip}</span>
          <p>
            <strong>
              <bdi>{sentence.subject}</bdi>
            </strong>
            <bdi>{sentence.rest}</bdi>
          </p>
          {sentence.images.length > 0 ? (
            <span className="see">
              {sentence.images.map((number) => (
                <button key={number} type="button" className="see-image" onClick={() => show(number)}>
                  {t("findings.image", { number })}
                </button>
              ))}
            </span>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

export interface Picture {
  number: number;
  source: string;
  caption: string;
  alternative: string;
}

export function picturesOf(images: KeyImage[]): Picture[] {
  return images.map(({ number, source, caption, alternative }) => ({ number, source, caption, alternative }));
}

export function KeyImages({ pictures, opened, open }: { pictures: Picture[]; opened: number | null; open: (number: number | null) => void }) {
  const { t } = useWords();
  const large = pictures.find((picture) => picture.number === opened) ?? null;
  const step = (by: number) => {
    const at = pictures.findIndex((picture) => picture.number === opened);
    const next = pictures[at + by];
    if (next) open(next.number);
  };
  return (
    <>
      <ul className="key-images">
        {pictures.map((picture) => (
          <li key={picture.number}>
            <figure>
              <button type="button" onClick={() => open(picture.number)} aria-label={t("findings.enlarge", { number: picture.number })}>
                <img src={picture.source} alt={picture.alternative || picture.caption} />
              </button>
              <figcaption>
                <b>{picture.number}</b> <bdi>{picture.caption}</bdi>
              </figcaption>
            </figure>
          </li>
        ))}
      </ul>
      <Modal
        opened={large !== null}
        onClose={() => open(null)}
        size="auto"
        title={large ? t("findings.image", { number: large.number }) : ""}
        closeButtonProps={{ "aria-label": t("action.close") }}
        onKeyDown={(event) => {
          if (event.key === "ArrowRight") step(1);
          if (event.key === "ArrowLeft") step(-1);
        }}
      >
        {large ? (
          <figure className="large-image">
            <img src={large.source} alt={large.alternative || large.caption} />
            <figcaption>
              <bdi>{large.caption}</bdi>
            </figcaption>
          </figure>
        ) : null}
      </Modal>
    </>
  );
}

function OneTable({ table }: { table: ReportTable }) {
  return (
    <section>
      <h3>
        <bdi>{table.title}</bdi>
      </h3>
      <div className="table-frame" tabIndex={0} role="region" aria-label={table.title}>
        <table className="plain report-table">
          <thead>
            <tr>
              {table.head.map((cell, index) => (
                <th key={index} scope="col" className={cell.numeric ? "number" : undefined}>
                  {cell.text}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, at) => (
                  <td key={at} className={cell.numeric ? "number" : undefined} data-label={table.head[at]?.text}>
                    {cell.swatch ? <span className="swatch" style={{ background: cell.swatch }} /> : null}
                    <bdi>{cell.text}</bdi>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {table.notes.map((note, index) => (
        <p key={index} className="quiet small">
          <bdi>{note}</bdi>
        </p>
      ))}
    </section>
  );
}

/** Rows of a long table before one asks for all. */
const most = 14;

interface Column<T> {
  head: string;
  cell: (row: T) => string;
  className?: string;
}

/** A table of measurements, long ones cut until one asks for all. */
function LongTable<T>({ rows, columns }: { rows: T[]; columns: Column<T>[] }) {
  const { t } = useWords();
  const [all, setAll] = useState(false);
  return (
    <>
      <div className="table-frame" tabIndex={0} role="region" aria-label={t("findings.table")}>
        <table className="plain report-table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.head} scope="col" className={column.className}>
                  {column.head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, all ? 1000 : most).map((row, index) => (
              <tr key={index}>
                {columns.map((column) => (
                  <td key={column.head} className={column.className} data-label={column.head}>
                    <bdi>{column.cell(row)}</bdi>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > most ? (
        <p>
          <button type="button" className="see-image" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t("findings.fewer") : t("findings.all", { count: rows.length })}
          </button>
        </p>
      ) : null}
    </>
  );
}

function FindingsTable({ findings }: { findings: Finding[] }) {
  const { t } = useWords();
  const columns: Column<Finding>[] = [
    { head: t("findings.measure"), cell: (finding) => finding.name },
    { head: t("findings.value"), cell: (finding) => (finding.value === null ? "–" : `${measured(finding.value)} ${unitWord(finding.unit)}`), className: "number" },
    { head: t("findings.interval"), cell: (finding) => (finding.interval ? `${measured(finding.interval[0])} – ${measured(finding.interval[1])}` : ""), className: "number" },
    { head: t("findings.method"), cell: (finding) => finding.method, className: "quiet" },
  ];
  return <LongTable rows={findings} columns={columns} />;
}

export function Measurements({ analysis }: { analysis: Analysis }) {
  const { t } = useWords();
  const { report } = analysis;
  if (!report || report.tables.length === 0) return analysis.findings.length > 0 ? <FindingsTable findings={analysis.findings} /> : <p className="quiet">{t("findings.none")}</p>;
  return (
    <>
      {report.tables.map((table, index) => (
        <OneTable key={index} table={table} />
      ))}
    </>
  );
}

/** The measurements of a DICOM SR of any origin. */
export function ReportedMeasurements({ rows }: { rows: Measurement[] }) {
  const { t } = useWords();
  if (rows.length === 0) return <p className="quiet">{t("findings.no_measurements")}</p>;
  const columns: Column<Measurement>[] = [
    { head: t("findings.structure"), cell: (row) => row.place },
    { head: t("findings.measure"), cell: (row) => row.name },
    { head: t("findings.value"), cell: (row) => `${measured(row.value)} ${unitWord(row.unit)}`, className: "number" },
  ];
  return <LongTable rows={rows} columns={columns} />;
}
