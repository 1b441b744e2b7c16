// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The trained models that are installed: what each is for, what it reached, its card.
import { useEffect, type ReactNode } from "react";
import { findModel, listModels, ServerError, type Model, type ModelFigures } from "../api";
import { bytes } from "../format";
import { BackIcon } from "../icons";
import { useKeys } from "../keyboard";
import { useWords, type Key, type Words } from "../language";
import { useLoaded } from "../loading";
import { Markdown } from "../markdown";
import { Failure, Link, Notice, Page, Waiting } from "../parts";
import { address, navigate } from "../router";
import { Row, useRowKeys } from "../rows";

const measures: [string, Key][] = [
  ["auc", "models.auc"],
  ["accuracy", "models.accuracy"],
  ["sensitivity", "models.sensitivity"],
  ["specificity", "models.specificity"],
  ["ece", "models.ece"],
  ["dice", "models.dice"],
  ["psnr_db", "models.psnr"],
  ["gain_db", "models.gain"],
];

/** "0.987 (0.979–0.993)"; empty where there is no such figure. */
function figure(of: Record<string, unknown>, name: string): string {
  const value = of[name];
  if (typeof value !== "number") return "";
  const interval = of[`${name}_interval`];
  const bounds = Array.isArray(interval) ? interval.filter((bound): bound is number => typeof bound === "number") : [];
  return bounds.length === 2 ? `${value.toFixed(3)} (${bounds[0]!.toFixed(3)}–${bounds[1]!.toFixed(3)})` : value.toFixed(3);
}

/** The figures that say most: of the test part, else of the validation part, the first two that are there. */
function shortFigures(model: Model, { t }: Words): string {
  const figures = model.figures ?? {};
  const [part, whole] = figures.test ? ["test", figures.test] : ["validation", figures.validation];
  if (!whole) return "";
  const values = whole.levels?.at(-1) ?? whole;
  const found = measures.map(([name, words]) => [t(words), figure(values, name).split(" ")[0]]).filter(([, value]) => value);
  return found.length === 0 ? "" : `${found.slice(0, 2).map(([words, value]) => `${words} ${value}`).join(", ")} (${part})`;
}

function taskWords(model: Model, { t }: Words): string {
  if (model.form === "part") return t("models.of_method");
  if (model.task === "classification") return t("models.task_classification");
  if (model.task === "denoising") return t("models.task_denoising");
  return model.task === "segmentation" ? t("models.task_segmentation") : (model.task ?? "");
}

function State({ model }: { model: Model }) {
  const { t } = useWords();
  const whole = model.state === "whole";
  return <span className={`chip ${whole ? "chip-usual" : "chip-first"}`}>{t(whole ? "models.whole" : "models.damaged")}</span>;
}

export function ModelsPage() {
  const words = useWords();
  const { t, tn } = words;
  const models = useLoaded(listModels, []);
  const rows = useRowKeys();
  useEffect(() => {
    document.title = `${t("place.models")} · Gantry`;
  }, [t]);
  let content: ReactNode;
  if (!models.value) {
    content = models.error ? <Failure error={models.error} retry={models.reload} /> : <Waiting />;
  } else if (models.value.length === 0) {
    content = <Notice title={t("models.empty")}>{t("models.empty_words")}</Notice>;
  } else {
    content = (
      <div className="table-frame">
        <table className="worklist models">
          <caption className="hidden">{t("place.models")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("models.model")}</th>
              <th scope="col">{t("models.task")}</th>
              <th scope="col">{t("models.intended_use")}</th>
              <th scope="col">{t("models.figures")}</th>
              <th scope="col">{t("models.used_by")}</th>
              <th scope="col">{t("models.sha256")}</th>
            </tr>
          </thead>
          <tbody ref={rows.body} onKeyDown={rows.onKeyDown}>
            {models.value.map((model) => (
              <Row key={model.name} to={address.model(model.name)} name={<bdi>{model.name}</bdi>} beside={<State model={model} />}>
                <td>{taskWords(model, words)}</td>
                <td className="wide">
                  <bdi>{model.error ?? model.intended_use ?? ""}</bdi>
                </td>
                <td className="tabular">{shortFigures(model, words)}</td>
                <td>{model.profiles.join(", ")}</td>
                <td>{model.sha256 ? <code>{model.sha256.slice(0, 12)}</code> : null}</td>
              </Row>
            ))}
          </tbody>
        </table>
      </div>
    );
  }
  return (
    <Page title={t("place.models")} lead={models.value ? <span className="quiet">{tn("models.count", models.value.length)}</span> : null}>
      {content}
    </Page>
  );
}

function FigureTable({ rows, first, what }: { rows: [string, ModelFigures][]; first: string; what: string }) {
  const { t } = useWords();
  const shown = measures.filter(([name]) => rows.some(([, values]) => figure(values, name) !== ""));
  if (shown.length === 0) return null;
  return (
    <div className="table-frame">
      <table className="plain report-table">
        <caption className="hidden">{what}</caption>
        <thead>
          <tr>
            <th scope="col">{first}</th>
            <th scope="col" className="number">
              {t("models.cases")}
            </th>
            {shown.map(([name, words]) => (
              <th key={name} scope="col" className="number">
                {t(words)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, values]) => (
            <tr key={name}>
              <td>
                <bdi>{name}</bdi>
              </td>
              <td className="number" data-label={t("models.cases")}>
                {typeof values.cases === "number" ? values.cases : ""}
              </td>
              {shown.map(([measure, words]) => (
                <td key={measure} className="number" data-label={t(words)}>
                  {figure(values, measure)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Figures({ model }: { model: Model }) {
  const { t } = useWords();
  const parts = Object.entries(model.figures ?? {});
  if (parts.length === 0) return null;
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">{t("models.figures")}</h2>
      <p className="quiet small">{t("models.figures_words")}</p>
      <div className="stack">
        <FigureTable rows={parts} first={t("models.part")} what={t("models.figures")} />
        {parts.map(([part, values]) => (
          <FigureTable key={part} rows={Object.entries(values.structures ?? {}) as [string, ModelFigures][]} first={t("models.structure")} what={part} />
        ))}
        {parts.map(([part, values]) => (
          <FigureTable key={`${part} noise`} rows={(values.levels ?? []).map((level) => [String(level.noise_level), { ...level, cases: values.cases }])} first={t("models.noise")} what={`${part}, ${t("models.noise")}`} />
        ))}
      </div>
    </section>
  );
}

export function ModelPage({ name }: { name: string }) {
  const words = useWords();
  const { t } = words;
  const loaded = useLoaded((signal) => findModel(name, signal), [name]);
  const model = loaded.value;
  useEffect(() => {
    document.title = `${name} · Gantry`;
  }, [name]);
  useKeys({ Escape: () => navigate(address.models()) });
  if (!model) {
    if (loaded.error instanceof ServerError && loaded.error.status === 404) {
      return (
        <Notice whole title={t("models.missing")} action={<Link to={address.models()}>{t("models.back")}</Link>}>
          {t("models.missing_words")}
        </Notice>
      );
    }
    return loaded.error ? <Failure whole error={loaded.error} retry={loaded.reload} /> : <Waiting />;
  }
  const stated = (value: string | undefined) => (value ? <bdi>{value}</bdi> : <span className="quiet">{t("models.not_stated")}</span>);
  const facts: [string, ReactNode][] = [
    [t("models.task"), taskWords(model, words)],
    ...(model.form === "bundle" && !model.error
      ? ([
          [t("models.intended_use"), stated(model.intended_use)],
          [t("models.not_for"), stated(model.not_for)],
          ...(model.classes?.length ? [[t("models.classes"), <bdi key="classes">{model.classes.join(", ")}</bdi>]] : []),
          [t("models.data"), stated(model.data)],
          [t("models.licence"), stated(model.licence)],
          [t("models.version"), model.version],
        ] as [string, ReactNode][])
      : []),
    [t("models.used_by"), model.profiles.length > 0 ? <code key="profiles">{model.profiles.join(", ")}</code> : t("models.used_by_none")],
    [t("models.size"), bytes(model.bytes)],
    [t("models.sha256"), <code key="digest">{model.sha256}</code>],
  ];
  const title = (
    <span className="study-title">
      <Link to={address.models()} className="back" label={t("models.back")}>
        <BackIcon />
      </Link>
      <bdi>{model.name}</bdi> <State model={model} />
    </span>
  );
  return (
    <Page title={title}>
      <div className="model">
        {model.error ? (
          <p className="banner banner-first">
            <bdi>{model.error}</bdi>
          </p>
        ) : null}
        {model.title ? (
          <p>
            <bdi>{model.title}</bdi>
          </p>
        ) : null}
        <dl className="facts-list model-facts">
          {facts.map(([term, value]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <Figures model={model} />
        {model.card ? (
          <section aria-labelledby="card" className="card">
            <h2 id="card">{t("models.card")}</h2>
            <p className="quiet small">{t("models.words_original")}</p>
            <Markdown text={model.card} />
          </section>
        ) : null}
      </div>
    </Page>
  );
}
