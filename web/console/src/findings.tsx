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

function More({ count, all, setAll }: { count: number; all: boolean; setAll: (all: boolean) => void }) {
  const { t } = useWords();
  if (count <= most) return null;
  return (
    <p>
      <button type="button" className="see-image" aria-expanded={all} onClick={() => setAll(!all)}>
        {all ? t("findings.fewer") : t("findings.all", { count })}
      </button>
    </p>
  );
}

function FindingsTable({ findings }: { findings: Finding[] }) {
  const { t } = useWords();
  const [all, setAll] = useState(false);
  const shown = all ? findings : findings.slice(0, most);
  return (
    <>
      <div className="table-frame" tabIndex={0} role="region" aria-label={t("findings.table")}>
        <table className="plain report-table">
          <thead>
            <tr>
              <th scope="col">{t("findings.measure")}</th>
              <th scope="col" className="number">
                {t("findings.value")}
              </th>
              <th scope="col" className="number">
                {t("findings.interval")}
              </th>
              <th scope="col">{t("findings.method")}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((finding) => (
              <tr key={finding.id}>
                <td>
                  <bdi>{finding.name}</bdi>
                </td>
                <td className="number">{finding.value === null ? "–" : `${measured(finding.value)} ${unitWord(finding.unit)}`}</td>
                <td className="number">{finding.interval ? `${measured(finding.interval[0])} – ${measured(finding.interval[1])}` : ""}</td>
                <td className="quiet">
                  <bdi>{finding.method}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <More count={findings.length} all={all} setAll={setAll} />
    </>
  );
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
  const [all, setAll] = useState(false);
  if (rows.length === 0) return <p className="quiet">{t("findings.no_measurements")}</p>;
  return (
    <>
    <div className="table-frame" tabIndex={0} role="region" aria-label={t("findings.table")}>
      <table className="plain report-table">
        <thead>
          <tr>
            <th scope="col">{t("findings.structure")}</th>
            <th scope="col">{t("findings.measure")}</th>
            <th scope="col" className="number">
              {t("findings.value")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, all ? 1000 : most).map((row, index) => (
            <tr key={index}>
              <td>
                <bdi>{row.place}</bdi>
              </td>
              <td>
                <bdi>{row.name}</bdi>
              </td>
              <td className="number">
                {measured(row.value)} {unitWord(row.unit)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    <More count={rows.length} all={all} setAll={setAll} />
    </>
  );
}
