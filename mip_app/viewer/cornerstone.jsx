// The viewer of a study: its series at the left (a sheet on the phone), the viewport beside them, the keys for both.
import { useEffect, useRef, useState } from "react";
import { change, controls, perform, startControls } from "./controls.js";
import { fill } from "./corners.jsx";
import { listSeries, openSeries, Refused } from "./dicomweb.js";
import { PRESETS, pixelsOf, start } from "./stack.js";
import { Message, useLoaded, Viewport } from "./viewport.jsx";

const NONE = [];
// Modalities of objects that are no images (PS3.3 C.7.3.1.1.1).
const OBJECTS = new Set(["SR", "PR", "KO", "DOC", "SEG", "RTSTRUCT", "RTPLAN", "REG", "FID", "RWV", "ECG", "AU"]);

export function Viewer({ studyUid, seriesUid, strip, texts, onSeries, onReady, onError }) {
  const [series, listError, listAgain] = useAnswer((signal) => begin(studyUid, signal), [studyUid]);
  const [chosen, choose] = useState(seriesUid || null);
  const active = series?.find(({ uid }) => uid === chosen) ?? series?.[0];
  const [opened, openError, openAgain] = useAnswer(
    (signal) => (active ? openSeries(studyUid, active.uid, signal) : null),
    [active],
  );
  const stack = useRef(null);
  const error = listError ?? openError;
  useEffect(startControls, [studyUid]);
  useEffect(() => {
    if (series) onSeries?.(series.map(({ thumbnail, ...facts }) => facts));
  }, [series]);
  useEffect(() => {
    if (error) onError?.(error);
  }, [error]);
  useKeys(stack, series, active, choose);
  useProbe(stack);
  const frames = opened?.frames ?? NONE;
  const rail = series && { series, active, frames, texts };
  const message = messageOf({ error, series, opened, active, texts });
  return (
    <div className={`flex size-full min-h-0 ${strip ? "flex-col" : ""}`}>
      {rail && !strip && (
        <aside className="scroll-quiet w-52 flex-none overflow-y-auto border-r border-base-300 bg-base-100 p-1.5 max-lg:hidden" aria-label={texts.all_series}>
          {series.map((one) => (
            <RailItem key={one.uid} one={one} {...rail} onChoose={choose} />
          ))}
        </aside>
      )}
      <main className="relative min-h-0 min-w-0 flex-1 bg-black">
        {frames.length > 0 && (
          <Viewport
            id="viewport"
            {...{ frames, texts, onReady }}
            series={active}
            onStack={(made) => (stack.current = made)}
          />
        )}
        {message && <Message {...message} onRetry={listError ? listAgain : openAgain} />}
      </main>
      {rail && (strip ? <Strip {...rail} onChoose={choose} /> : <SeriesSheet {...rail} onChoose={choose} />)}
    </div>
  );
}

/** Images by series number, then what goes with them. */
async function begin(studyUid, signal) {
  const [series] = await Promise.all([listSeries(studyUid, signal), start()]);
  return [...series.filter(isDrawn), ...series.filter((one) => !isDrawn(one))];
}

const isDrawn = ({ modality }) => !OBJECTS.has(modality);

/** The answer of `ask(signal)`, the word for what went wrong, and a way to ask again. */
function useAnswer(ask, dependencies) {
  const [state, setState] = useState({});
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    const settle = (next) => !leaving.signal.aborted && setState(next);
    setState({});
    Promise.resolve(ask(leaving.signal)).then(
      (answer) => settle({ answer }),
      (error) => settle({ error: wordFor(error) }),
    );
    return () => leaving.abort();
  }, [...dependencies, tries]);
  return [state.answer, state.error, () => setTries((n) => n + 1)];
}

const REFUSALS = { 401: "session_over", 403: "not_visible", 404: "not_visible" };
const wordFor = (error) => (error instanceof Refused && REFUSALS[error.status]) || "network";

function messageOf({ error, series, opened, active, texts }) {
  if (error) return { text: texts[error], retry: error === "network" && texts.retry, back: error !== "network" && texts.back };
  if (series && series.length === 0) return { text: texts.no_images };
  if (opened && opened.frames.length === 0)
    return { text: fill(texts.not_an_image, { what: texts[`object_${active.modality}`] ?? texts.object_other }) };
  return opened ? null : { text: texts.loading };
}

function RailItem({ one, active, frames, texts, onChoose }) {
  const current = one === active;
  return (
    <button
      className={`flex w-full gap-2.5 rounded-md p-1.5 text-left text-sm ${current ? "bg-wash" : "hover:bg-base-200"}`}
      data-series={one.uid}
      aria-current={current}
      onClick={() => onChoose(one.uid)}
    >
      <Thumbnail one={one} current={current} size="size-14" />
      <span className="min-w-0 flex-1">
        <span className="block truncate" title={one.description}>
          {one.description || one.modality}
        </span>
        <span className="num block text-xs text-muted">{fill(texts.series, { n: one.number ?? "—" })}</span>
        <Count one={one} frames={current ? frames : NONE} texts={texts} />
      </span>
    </button>
  );
}

/** 306 images; while they come 220 / 306, with a line under it as long as what is here. */
function Count({ one, frames, texts }) {
  const { count } = useLoaded(useIds(frames));
  const total = frames.length || one.count;
  const loading = frames.length > 0 && count < total;
  return (
    <span className="num block text-xs text-muted">
      {loading ? `${count} / ${total}` : fill(isDrawn(one) ? texts.images : texts.objects, { n: total })}
      <span
        className="mt-0.5 block h-0.5 bg-primary"
        style={{ width: `${loading ? (100 * count) / total : 0}%` }}
        aria-hidden="true"
      />
    </span>
  );
}

const ids = new WeakMap();
const useIds = (frames) => {
  if (!ids.has(frames)) ids.set(frames, frames.map(({ imageId }) => imageId));
  return ids.get(frames);
};

function Thumbnail({ one, current, size }) {
  const [missing, setMissing] = useState(!isDrawn(one));
  return (
    <span className={`grid flex-none place-items-center overflow-hidden rounded-md bg-black text-xs text-muted ${size} ${current ? "ring-2 ring-primary" : ""}`}>
      {missing ? (
        <span className="max-w-full truncate px-0.5">{one.modality}</span>
      ) : (
        <img src={one.thumbnail} alt="" loading="lazy" className="size-full object-cover" onError={() => setMissing(true)} />
      )}
    </span>
  );
}

/** The same series in a row under the images, where something else stands beside them. */
function Strip({ series, active, texts, onChoose }) {
  return (
    <nav
      className="scroll-quiet flex flex-none gap-2 overflow-x-auto border-t border-base-300 bg-base-100 p-1.5"
      aria-label={texts.all_series}
    >
      {series.map((one) => (
        <button
          key={one.uid}
          className="flex-none p-0.5"
          data-series={one.uid}
          aria-current={one === active}
          title={one.description || one.modality}
          onClick={() => onChoose(one.uid)}
        >
          <Thumbnail one={one} current={one === active} size="size-14" />
        </button>
      ))}
    </nav>
  );
}

/** The same series on a phone: a sheet from below, opened by the tool bar. */
function SeriesSheet({ series, active, frames, texts, onChoose }) {
  const close = (event) => event.currentTarget.closest("dialog").close();
  return (
    <dialog id="viewer-series" className="sheet" aria-label={texts.all_series}>
      <div className="px-4 pt-2 pb-4">
        <h2 className="flex items-baseline text-lg font-medium">
          {texts.all_series}
          <button className="btn btn-ghost ml-auto font-normal" onClick={close}>
            {texts.done}
          </button>
        </h2>
        <div className="mt-1 flex gap-3 overflow-x-auto p-1">
          {series.map((one) => (
            <button
              key={one.uid}
              className="flex-none text-left text-xs"
              data-series={one.uid}
              aria-current={one === active}
              onClick={(event) => (onChoose(one.uid), close(event))}
            >
              <Thumbnail one={one} current={one === active} size="size-22" />
              <span className="mt-1 block w-22 truncate">{one.description || one.modality}</span>
              <Count one={one} frames={one === active ? frames : NONE} texts={texts} />
            </button>
          ))}
        </div>
      </div>
    </dialog>
  );
}

const TOOL_KEYS = { w: "window", z: "zoom", p: "pan", s: "scroll", escape: "window" };

/** Letters act outside text fields and dialogs only. */
function useKeys(stack, series, active, choose) {
  useEffect(() => {
    const by = (slices) => stack.current?.scrollTo(stack.current.wanted + slices);
    const beside = (step) => {
      const next = series?.[series.indexOf(active) + step];
      if (next) choose(next.uid);
    };
    const keys = {
      arrowup: () => by(-1),
      arrowdown: () => by(1),
      home: () => by(-Infinity),
      end: () => by(Infinity),
      pageup: () => beside(-1),
      pagedown: () => beside(1),
      " ": () => perform("reset"),
      i: () => change({ inverted: !controls().inverted }),
      0: () => change({ preset: "auto" }),
    };
    Object.keys(PRESETS).forEach((preset, i) => (keys[i + 1] = () => controls().hounsfield && change({ preset })));
    Object.entries(TOOL_KEYS).forEach(([key, tool]) => (keys[key] = () => change({ tool })));
    const pressed = (event) => {
      const { target, key, ctrlKey, metaKey, altKey } = event;
      if (ctrlKey || metaKey || altKey || target.closest?.("input, textarea, select, dialog, [contenteditable]")) return;
      const onControl = key === " " && target.closest?.("button, a, summary");
      const then = !onControl && keys[key.toLowerCase()];
      if (!then) return;
      event.preventDefault();
      then();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [series, active]);
}

/** `window.mipViewer`: read-only, for tests that compare what stands on the screen with the stored pixels. */
function useProbe(stack) {
  useEffect(() => {
    window.mipViewer = Object.freeze({
      pixels: () => pixelsOf(stack.current),
      toElement: (column, row) => stack.current.toElement([column, row]),
      image: () => stack.current.element.querySelector("canvas").toDataURL("image/png"),
    });
    return () => delete window.mipViewer;
  }, []);
}
