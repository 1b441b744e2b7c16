// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The image viewer of a study page: one series at a time, slice by slice, in the windows that readers use.
import { Loader, SegmentedControl } from "@mantine/core";
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import type { Series } from "./dicomweb";
import { findStack, pictureAddress, Pictures, sideOf, windowOfValues, type Stack, type Vector, type Window } from "./frames";
import { useKeys } from "./keyboard";
import { useWords, type Key } from "./language";
import { useLoaded } from "./loading";
import { Failure, Notice } from "./parts";

interface Preset {
  id: string;
  words: Key;
  window: Window | null;
}

const ctPresets: Preset[] = [
  { id: "soft", words: "viewer.soft", window: { centre: 40, width: 400 } },
  { id: "lung", words: "viewer.lung", window: { centre: -600, width: 1500 } },
  { id: "bone", words: "viewer.bone", window: { centre: 400, width: 1800 } },
  { id: "brain", words: "viewer.brain", window: { centre: 40, width: 80 } },
];

function isGrey(stack: Stack): boolean {
  return stack.photometric.startsWith("MONOCHROME");
}

/** What there is to choose from, the usual one first. */
function presetsOf(stack: Stack, values: Window | null): Preset[] {
  if (!isGrey(stack) || stack.modality === "SEG") return [];
  const header: Preset[] = stack.headerWindow ? [{ id: "header", words: "viewer.header", window: stack.headerWindow }] : [];
  if (stack.modality === "CT") return [...header.filter(({ window }) => !ctPresets.some((one) => one.window?.centre === window?.centre && one.window?.width === window?.width)), ...ctPresets];
  return values ? [...header, { id: "values", words: "viewer.values", window: values }] : header;
}

function opposite(direction: Vector): Vector {
  return [-direction[0], -direction[1], -direction[2]];
}

/** A round length for the scale bar: at most a quarter of the picture. */
function barLength(millimetres: number): number {
  const most = millimetres / 4;
  return [100, 50, 20, 10, 5, 2, 1].find((length) => length <= most) ?? 0;
}

interface Shown {
  bitmap: ImageBitmap;
  address: string;
}

export function Viewer({ study, series }: { study: string; series: Series }) {
  const { t, tn } = useWords();
  const stack = useLoaded((signal) => findStack(study, series.uid, series.instanceCount, signal), [study, series.uid]);
  const values = useLoaded(
    async (signal) => {
      const held = stack.value;
      if (!held || held.headerWindow || !isGrey(held) || ["CT", "SEG"].includes(held.modality)) return null;
      const middle = held.frames[Math.floor(held.frames.length / 2)];
      return middle ? windowOfValues(study, series.uid, middle, signal) : null;
    },
    [stack.value],
  );
  if (stack.error && !stack.value) return <Failure error={stack.error} retry={stack.reload} />;
  if (!stack.value || values.loading) {
    return (
      <div className="viewer viewer-waiting">
        <Loader aria-hidden="true" /> <span>{t("state.loading")}</span>
      </div>
    );
  }
  if (stack.value.frames.length === 0) {
    return <Notice title={t("viewer.no_images")}>{tn("viewer.no_images_words", series.instanceCount, { modality: series.modality })}</Notice>;
  }
  return <Slices study={study} series={series} stack={stack.value} values={values.value ?? null} />;
}

function Slices({ study, series, stack, values }: { study: string; series: Series; stack: Stack; values: Window | null }) {
  const { t } = useWords();
  const count = stack.frames.length;
  const [index, setIndex] = useState(Math.floor(count / 2));
  const presets = useMemo(() => presetsOf(stack, values), [stack, values]);
  const [chosen, setChosen] = useState(presets[0]?.id ?? "");
  const preset = presets.find((one) => one.id === chosen) ?? presets[0];
  const window_ = preset?.window ?? null;
  const [shown, setShown] = useState<Shown | null>(null);
  const [broken, setBroken] = useState(false);
  const [loaded, setLoaded] = useState(0);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const frameElement = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const pictures = useRef<Pictures | null>(null);
  const [, redraw] = useState(0);

  const addresses = useMemo(() => stack.frames.map((frame) => pictureAddress(study, series.uid, frame, window_)), [study, series.uid, stack, window_]);
  const go = useCallback((to: number) => setIndex(Math.max(0, Math.min(count - 1, to))), [count]);
  const step = useCallback((by: number) => setIndex((at) => Math.max(0, Math.min(count - 1, at + by))), [count]);

  useEffect(() => {
    const store = new Pictures(1200, () => redraw((turn) => turn + 1));
    pictures.current = store;
    return () => store.stop();
  }, []);

  // The wanted picture, then its neighbours outwards.
  useEffect(() => {
    const store = pictures.current;
    const address = addresses[index];
    if (!store || address === undefined) return;
    let current = true;
    store
      .get(address)
      .then((blob) => createImageBitmap(blob))
      .then(
        (bitmap) => {
          if (!current) return;
          setBroken(false);
          setShown({ bitmap, address });
          const order: string[] = [];
          for (let distance = 1; distance < count && order.length < 1000; ++distance) {
            for (const at of [index + distance, index - distance]) {
              const neighbour = addresses[at];
              if (neighbour !== undefined) order.push(neighbour);
            }
          }
          store.want(order);
        },
        () => {
          if (current) setBroken(true);
        },
      );
    return () => {
      current = false;
    };
  }, [addresses, index, count]);

  useEffect(() => {
    setLoaded(addresses.filter((address) => pictures.current?.has(address)).length);
  });

  useEffect(() => {
    const element = frameElement.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    let rest = 0;
    const wheel = (event: WheelEvent) => {
      if (event.ctrlKey) return;
      event.preventDefault();
      rest += event.deltaMode === 0 ? event.deltaY / 40 : event.deltaY;
      const whole = Math.trunc(rest);
      rest -= whole;
      if (whole !== 0) step(whole);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      observer.disconnect();
      element.removeEventListener("wheel", wheel);
    };
  }, [step]);

  // Pixels keep their physical aspect.
  const [rowSpacing, columnSpacing] = stack.spacing ?? [1, 1];
  const bitmap = shown?.bitmap;
  const wide = (bitmap?.width ?? 1) * columnSpacing;
  const high = (bitmap?.height ?? 1) * rowSpacing;
  const scale = Math.min(size.width / wide, size.height / high) || 0;
  useEffect(() => {
    const element = canvas.current;
    if (!element || !bitmap || scale === 0) return;
    const dense = window.devicePixelRatio || 1;
    element.width = Math.round(size.width * dense);
    element.height = Math.round(size.height * dense);
    const context = element.getContext("2d");
    if (!context) return;
    context.imageSmoothingQuality = "high";
    // Positron emission is read dark on white.
    if (stack.modality === "PT" && isGrey(stack)) context.filter = "invert(1)";
    const [width, height] = [wide * scale * dense, high * scale * dense];
    context.drawImage(bitmap, (element.width - width) / 2, (element.height - height) / 2, width, height);
  }, [bitmap, size, scale, wide, high, stack]);

  const stepOf: Record<string, () => void> = {
    ArrowDown: () => step(1),
    ArrowRight: () => step(1),
    ArrowUp: () => step(-1),
    ArrowLeft: () => step(-1),
    PageDown: () => step(10),
    PageUp: () => step(-10),
    Home: () => go(0),
    End: () => go(count - 1),
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : stepOf[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  useKeys(Object.fromEntries(presets.slice(0, 5).map((one, at) => [String(at + 1), () => setChosen(one.id)])));

  const drag = useRef<{ x: number; at: number } | null>(null);
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    drag.current = { x: event.clientX, at: index };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    if (drag.current) go(drag.current.at + Math.round((event.clientX - drag.current.x) / Math.max(3, size.width / count / 1.5)));
  };

  const offset = stack.offsets[index];
  const position = offset === null || offset === undefined ? "" : `${offset.toFixed(1)} mm`;
  const bar = stack.spacing && bitmap ? barLength(wide) : 0;
  const slice = t("viewer.slice", { number: index + 1, count });
  const right = stack.rowDirection;
  const down = stack.columnDirection;
  return (
    <div className="viewer">
      <div
        ref={frameElement}
        className="viewer-frame"
        role="slider"
        tabIndex={0}
        aria-label={t("viewer.label", { series: series.description || series.modality })}
        aria-orientation="vertical"
        aria-valuemin={1}
        aria-valuemax={count}
        aria-valuenow={index + 1}
        aria-valuetext={[slice, position].filter(Boolean).join(", ")}
        onKeyDown={onKeyDown}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={() => (drag.current = null)}
        onPointerCancel={() => (drag.current = null)}
        data-test="viewer"
        data-shown={shown && shown.address === addresses[index] ? index + 1 : 0}
      >
        <canvas ref={canvas} />
        {broken ? <p className="viewer-broken">{t("viewer.broken")}</p> : null}
        {right && down ? (
          <>
            <span className="side side-left">{sideOf(opposite(right))}</span>
            <span className="side side-right">{sideOf(right)}</span>
            <span className="side side-top">{sideOf(opposite(down))}</span>
            <span className="side side-bottom">{sideOf(down)}</span>
          </>
        ) : null}
        <span className="corner corner-top-left">
          <bdi>{series.description}</bdi>
        </span>
        <span className="corner corner-bottom-left">
          {slice}
          {position ? <br /> : null}
          {position}
        </span>
        <span className="corner corner-top-right">{window_ ? t("viewer.window", { centre: Math.round(window_.centre), width: Math.round(window_.width) }) : ""}</span>
        {bar > 0 ? (
          <span className="scale-bar" style={{ width: bar * scale }}>
            {bar >= 10 ? `${bar / 10} cm` : `${bar} mm`}
          </span>
        ) : null}
      </div>
      <div className="viewer-tools">
        <input type="range" className="slices" min={1} max={count} value={index + 1} tabIndex={-1} aria-hidden="true" onChange={(event) => go(Number(event.currentTarget.value) - 1)} style={{ "--loaded": `${(loaded / count) * 100}%` } as React.CSSProperties} />
        {presets.length > 1 ? <SegmentedControl size="xs" aria-label={t("viewer.window_label")} value={preset?.id ?? ""} onChange={setChosen} data={presets.map((one) => ({ value: one.id, label: t(one.words) }))} /> : null}
      </div>
    </div>
  );
}
