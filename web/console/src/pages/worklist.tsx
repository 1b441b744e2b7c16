// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { ActionIcon, Button, CloseButton, Menu, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { findStudies, type Study, type StudyFilter } from "../dicomweb";
import { isoDate, shortTime } from "../format";
import { ColumnsIcon, SearchIcon } from "../icons";
import { useKeys } from "../keyboard";
import { useWords, type Key } from "../language";
import { useLoaded } from "../loading";
import { Failure, Modalities, Notice, Page, Waiting } from "../parts";
import { address, navigate } from "../router";
import { Row, useRowKeys } from "../rows";
import { remembered, useRemembered } from "../storage";

const pageSize = 100;
const secondsBetweenLooks = 5;
const everything: StudyFilter = { words: "", modality: "", days: 0 };

interface SavedFilter extends StudyFilter {
  name: string;
}

interface Column {
  id: string;
  words: Key;
  cell: (study: Study) => ReactNode;
  className?: string;
}

const columns: Column[] = [
  { id: "id", words: "column.patient_id", cell: (study) => <bdi>{study.patientId}</bdi> },
  { id: "birth", words: "column.birth_date", cell: (study) => isoDate(study.birthDate) },
  { id: "sex", words: "column.sex", cell: (study) => study.sex },
  { id: "date", words: "column.date", cell: (study) => [isoDate(study.date), shortTime(study.time)].filter(Boolean).join(" ") },
  { id: "modalities", words: "column.modalities", cell: (study) => <Modalities list={study.modalities} /> },
  { id: "description", words: "column.description", cell: (study) => <bdi>{study.description}</bdi>, className: "wide" },
  { id: "accession", words: "column.accession", cell: (study) => <bdi>{study.accession}</bdi> },
  { id: "series", words: "column.series", cell: (study) => study.seriesCount, className: "number" },
  { id: "images", words: "column.images", cell: (study) => study.instanceCount, className: "number" },
];
const usualColumns = ["id", "sex", "date", "modalities", "description", "series", "images"];
const modalities = ["CT", "MR", "PT", "NM", "US", "CR", "DX", "MG", "XA", "RF", "ES", "SEG", "SR", "OT"];

/** Studies that came while one looked, for the mark beside their names. */
function useArrivals(studies: Study[] | undefined, question: string): Set<string> {
  const known = useRef<{ question: string; uids: Set<string> } | null>(null);
  const [fresh, setFresh] = useState<Set<string>>(new Set());
  useEffect(() => {
    if (!studies) return;
    const uids = new Set(studies.map((study) => study.uid));
    const before = known.current;
    known.current = { question, uids: new Set([...(before?.question === question ? before.uids : []), ...uids]) };
    if (before?.question !== question) {
      setFresh(new Set());
      return;
    }
    const arrived = studies.filter((study) => !before.uids.has(study.uid)).map((study) => study.uid);
    if (arrived.length > 0) setFresh((held) => new Set([...held, ...arrived]));
  }, [studies, question]);
  return fresh;
}

function Filters({ filter, setFilter, searchField }: { filter: StudyFilter; setFilter: (filter: StudyFilter) => void; searchField: React.RefObject<HTMLInputElement | null> }) {
  const { t } = useWords();
  const [saved, setSaved] = useRemembered<SavedFilter[]>("gantry.filters", []);
  const [words, setWords] = useState(filter.words);
  const [settled] = useDebouncedValue(words, 250);
  useEffect(() => {
    if (settled !== filter.words) setFilter({ ...filter, words: settled });
    // Only what was typed counts here.
  }, [settled]);
  useEffect(() => setWords(filter.words), [filter.words]);
  const active = filter.words !== "" || filter.modality !== "" || filter.days !== 0;
  const name = [filter.words, filter.modality, filter.days ? t("filter.days", { days: filter.days }) : ""].filter(Boolean).join(" · ");
  const same = (one: StudyFilter) => one.words === filter.words && one.modality === filter.modality && one.days === filter.days;
  return (
    <div className="filters" role="search">
      <TextInput
        ref={searchField}
        className="filter-words"
        aria-label={t("filter.words")}
        placeholder={t("filter.words")}
        leftSection={<SearchIcon />}
        rightSection={words ? <CloseButton size="sm" aria-label={t("filter.clear_words")} onClick={() => setWords("")} /> : <kbd aria-hidden="true">/</kbd>}
        value={words}
        maxLength={64}
        onChange={(event) => setWords(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <Select
        className="filter-modality"
        aria-label={t("filter.modality")}
        placeholder={t("filter.modality")}
        data={modalities}
        value={filter.modality || null}
        onChange={(modality) => setFilter({ ...filter, modality: modality ?? "" })}
        clearable
        clearButtonProps={{ "aria-label": t("filter.clear_modality") }}
        comboboxProps={{ shadow: "none" }}
      />
      <SegmentedControl
        aria-label={t("filter.date")}
        value={String(filter.days)}
        onChange={(days) => setFilter({ ...filter, days: Number(days) })}
        data={[
          { value: "0", label: t("filter.all") },
          { value: "1", label: t("filter.today") },
          { value: "7", label: t("filter.days", { days: 7 }) },
          { value: "30", label: t("filter.days", { days: 30 }) },
        ]}
      />
      {active && !saved.some(same) ? (
        <Button variant="subtle" onClick={() => setSaved([...saved, { ...filter, name }].slice(-8))}>
          {t("filter.save")}
        </Button>
      ) : null}
      {saved.length > 0 ? (
        <ul className="saved" aria-label={t("filter.saved")}>
          {saved.map((one) => (
            <li key={one.name} className={same(one) ? "chosen" : undefined}>
              <button type="button" aria-pressed={same(one)} onClick={() => setFilter(same(one) ? everything : { words: one.words, modality: one.modality, days: one.days })}>
                <bdi>{one.name}</bdi>
              </button>
              <CloseButton size="sm" aria-label={t("filter.forget", { name: one.name })} onClick={() => setSaved(saved.filter((other) => other !== one))} />
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

export function WorklistPage() {
  const words = useWords();
  const { t, tn } = words;
  const [filter, setFilter] = useState<StudyFilter>(() => remembered("gantry.filter", everything));
  const [limit, setLimit] = useState(pageSize);
  const [shown, setShown] = useRemembered("gantry.columns", usualColumns);
  const searchField = useRef<HTMLInputElement>(null);
  const rows = useRowKeys();
  const question = JSON.stringify(filter);
  const list = useLoaded((signal) => findStudies(filter, limit, signal), [question, limit], secondsBetweenLooks);
  const studies = list.value?.studies;
  const fresh = useArrivals(studies, `${question} ${limit}`);

  useEffect(() => {
    document.title = `${t("place.worklist")} · Gantry`;
  }, [t]);
  useEffect(() => {
    sessionStorage.setItem("gantry.filter", question);
    setLimit(pageSize);
  }, [question]);

  const visible = useMemo(() => columns.filter((column) => shown.includes(column.id)), [shown]);
  const filtered = filter.words !== "" || filter.modality !== "" || filter.days !== 0;

  useKeys({
    "/": () => {
      searchField.current?.focus();
      searchField.current?.select();
    },
  });

  let content: ReactNode;
  if (!list.value && list.error) {
    content = <Failure error={list.error} retry={list.reload} />;
  } else if (!studies) {
    content = <Waiting />;
  } else if (studies.length === 0 && filtered) {
    content = (
      <Notice
        title={t("worklist.none_fit")}
        action={
          <Button variant="default" onClick={() => setFilter(everything)}>
            {t("filter.clear")}
          </Button>
        }
      >
        {t("worklist.none_fit_words")}
      </Notice>
    );
  } else if (studies.length === 0) {
    content = (
      <Notice title={t("worklist.empty")} action={<Button onClick={() => navigate(address.upload())}>{t("worklist.empty_action")}</Button>}>
        {t("worklist.empty_words")}
      </Notice>
    );
  } else {
    content = (
      <>
        <div className="table-frame">
          <table className="worklist">
            <caption className="hidden">{t("place.worklist")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("column.patient")}</th>
                {visible.map((column) => (
                  <th key={column.id} scope="col" className={column.className}>
                    {t(column.words)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody ref={rows.body} onKeyDown={rows.onKeyDown}>
              {studies.map((study) => (
                <Row
                  key={study.uid}
                  to={address.study(study.uid)}
                  name={<bdi>{study.patientName || t("worklist.no_name")}</bdi>}
                  beside={fresh.has(study.uid) ? <span className="chip chip-usual">{t("worklist.new")}</span> : null}
                >
                  {visible.map((column) => (
                    <td key={column.id} className={`${column.className ?? ""} cell-${column.id}`} data-label={t(column.words)}>
                      {column.cell(study)}
                    </td>
                  ))}
                </Row>
              ))}
            </tbody>
          </table>
        </div>
        {list.value?.more ? (
          <div className="more">
            <Button variant="default" onClick={() => setLimit(limit + pageSize)} disabled={limit >= 1000}>
              {limit >= 1000 ? t("worklist.narrow") : t("worklist.more")}
            </Button>
          </div>
        ) : null}
      </>
    );
  }

  return (
    <Page
      title={t("place.worklist")}
      lead={
        studies && studies.length > 0 ? (
          <span className="quiet" role="status">
            {list.value?.more ? t("worklist.first", { count: studies.length }) : tn("worklist.count", studies.length)}
          </span>
        ) : null
      }
      actions={
        <Menu closeOnItemClick={false} position="bottom-end" width={220}>
          <Menu.Target>
            <ActionIcon variant="default" size={36} aria-label={t("worklist.columns")} title={t("worklist.columns")} className="columns-button">
              <ColumnsIcon />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {columns.map((column) => {
              const on = shown.includes(column.id);
              return (
                <Menu.Item
                  key={column.id}
                  role="menuitemcheckbox"
                  aria-checked={on}
                  leftSection={<span aria-hidden="true">{on ? "☑" : "☐"}</span>}
                  onClick={() => setShown(on ? shown.filter((id) => id !== column.id) : [...shown, column.id])}
                >
                  {t(column.words)}
                </Menu.Item>
              );
            })}
          </Menu.Dropdown>
        </Menu>
      }
    >
      <Filters filter={filter} setFilter={setFilter} searchField={searchField} />
      {list.error && list.value ? (
        <p className="banner banner-note" role="status">
          {t("worklist.stale")}
        </p>
      ) : null}
      <p className="hidden" role="status">
        {fresh.size > 0 ? tn("worklist.arrived", fresh.size) : ""}
      </p>
      {content}
    </Page>
  );
}
