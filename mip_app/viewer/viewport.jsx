// One viewport: the frames of a series, the tools on them, and words where there is no picture to show.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { cache, Enums, eventTarget } from "@cornerstonejs/core";
import { Enums as ToolEnums } from "@cornerstonejs/tools";
import { change, controls, onAct, useControls } from "./controls.js";
import { Corners, fill, SliceBar } from "./corners.jsx";
import { factsOf } from "./dicomweb.js";
import { Prefetch } from "./prefetch.js";
import { abortLoading, onContextLost, Stack } from "./stack.js";

export function Viewport({ id, series, frames, texts, onStack, onReady }) {
  const host = useRef(null);
  const imageIds = useMemo(() => frames.map(({ imageId }) => imageId), [frames]);
  const { stack, facts, failures, retry } = useStack(id, host, imageIds);
  const shown = useMemo(() => (facts?.shown >= 0 ? factsOf(frames[facts.shown].header) : null), [facts?.shown, frames]);
  const loaded = useLoaded(imageIds);
  const wanted = facts?.wanted ?? 0;
  const failure = facts?.shown !== wanted && failures[imageIds[wanted]];
  const state = failure ? "error" : shown ? "ready" : "loading";
  useWindowing(stack, shown, series);
  useEffect(() => void onStack?.(stack), [stack]);
  useEffect(() => {
    if (shown) onReady?.();
  }, [shown !== null]);
  return (
    <div
      className="vp size-full min-h-0 min-w-0"
      data-testid="viewport"
      data-state={state}
      data-series={series.uid}
      data-slice={(facts?.shown ?? -1) + 1}
      data-total={imageIds.length}
      data-loaded={loaded.count}
      data-ww={facts?.window && Math.round(facts.window.windowWidth)}
      data-wl={facts?.window && Math.round(facts.window.windowCenter)}
    >
      <div ref={host} className="absolute inset-0 touch-none" onContextMenu={(event) => event.preventDefault()} />
      {shown && <Corners {...{ facts, shown, series, texts }} total={imageIds.length} loaded={loaded.count} />}
      {!shown && !failure && <Message text={texts.loading} />}
      {failure && (
        <Message text={fill(texts[failure.text], failure)} retry={failure.again && texts.retry} onRetry={retry} />
      )}
      {imageIds.length > 1 && (
        <SliceBar
          index={wanted}
          total={imageIds.length}
          runs={loaded.runs}
          label={texts.slices}
          onIndex={(index) => stack?.scrollTo(index)}
        />
      )}
    </div>
  );
}

/** The stack in `host`, remade when the graphics card goes; what it shows; which frames cannot be shown and why. */
function useStack(id, host, imageIds) {
  const [stack, setStack] = useState(null);
  const [told, setTold] = useState(null);
  const [failures, setFailures] = useState({});
  const [life, setLife] = useState(0);
  const facts = told?.imageIds === imageIds ? told : null; // nothing of the series before
  const prefetch = useRef(null);
  const { tool } = useControls();

  useEffect(() => onContextLost(() => setLife((lives) => lives + 1)), []);
  useEffect(() => {
    const fail = (imageId, error) => setFailures((known) => ({ ...known, [imageId]: reasonOf(error) }));
    const made = new Stack(id, host.current, setTold, fail);
    prefetch.current = new Prefetch(fail);
    setStack(made);
    return () => {
      prefetch.current.stop();
      made.destroy();
    };
  }, [life]);
  const load = useCallback(
    (index) => {
      setFailures({});
      stack.show(imageIds, index);
      prefetch.current.follow(imageIds, index);
    },
    [stack, imageIds],
  );
  useEffect(() => {
    if (!stack) return;
    load(facts?.wanted ?? 0); // a stack that was remade goes on where it was
    return () => {
      prefetch.current.stop();
      abortLoading();
    };
  }, [load]);
  useEffect(() => stack?.choose(tool), [stack, tool]);
  useEffect(() => prefetch.current?.around(facts?.wanted ?? 0), [facts?.wanted]);
  return { stack, facts, failures, retry: () => load(facts?.wanted ?? 0) };
}

/** Applies the chosen window; a drag with the windowing tool means that none of the presets holds any more. */
function useWindowing(stack, shown, series) {
  const { preset, inverted } = useControls();
  useEffect(() => change({ preset: "auto", inverted: false, hounsfield: series.modality === "CT" }), [series.uid]);
  useEffect(() => {
    if (shown) stack.window(preset, inverted, shown.photometric);
  }, [shown?.photometric, preset, inverted]);
  useEffect(() => onAct("reset", () => {
    stack?.reset();
    change({ preset: "auto", inverted: false });
  }), [stack]);
  useEffect(() => {
    const dragged = () => controls().tool === "window" && controls().preset && change({ preset: "" });
    const drags = [ToolEnums.Events.MOUSE_DRAG, ToolEnums.Events.TOUCH_DRAG];
    drags.forEach((drag) => stack?.element.addEventListener(drag, dragged));
    return () => drags.forEach((drag) => stack?.element.removeEventListener(drag, dragged));
  }, [stack]);
}

/** How many of the frames are here, and which runs of them: [[from, to], …]. Counted at most ten times a second. */
export function useLoaded(imageIds) {
  const [loaded, setLoaded] = useState({ count: 0, runs: [] });
  useEffect(() => {
    let timer = 0;
    const count = () => {
      timer = 0;
      setLoaded(countLoaded(imageIds));
    };
    const soon = () => (timer ||= setTimeout(count, 100));
    const { IMAGE_CACHE_IMAGE_ADDED: added, IMAGE_LOADED: done, IMAGE_CACHE_IMAGE_REMOVED: removed } = Enums.Events;
    [added, done, removed].forEach((event) => eventTarget.addEventListener(event, soon));
    count();
    return () => {
      clearTimeout(timer);
      [added, done, removed].forEach((event) => eventTarget.removeEventListener(event, soon));
    };
  }, [imageIds]);
  return loaded;
}

function countLoaded(imageIds) {
  const runs = [];
  let count = 0;
  imageIds.forEach((imageId, i) => {
    if (!cache.isLoaded(imageId)) return;
    count += 1;
    if (runs.at(-1)?.[1] === i) runs.at(-1)[1] = i + 1;
    else runs.push([i, i + 1]);
  });
  return { count, runs };
}

/** The loader rejects with its request when the server or the network refused, else with what the decoder said. */
function reasonOf(error) {
  const cause = error?.error ?? error;
  if (cause?.status === 401) return { text: "session_over" };
  if (typeof cause?.status === "number") return { text: "network", again: true };
  if (cause?.format) return { text: "unsupported_pixels", what: cause.format };
  const [, syntax] = /decoder for transfer syntax ([\d.]+)/i.exec(cause?.message ?? "") ?? [];
  return syntax ? { text: "unsupported", uid: syntax } : { text: "damaged" };
}

/** Covers the viewport, so that no picture of another slice stands under the words. */
export function Message({ text, retry, back, onRetry }) {
  return (
    <div className="absolute inset-0 flex flex-col items-start justify-center gap-3 bg-black px-6 text-base" role="status">
      <p className="max-w-prose">{text}</p>
      {retry && (
        <button className="btn btn-sm" onClick={onRetry}>
          {retry}
        </button>
      )}
      {back && (
        <a className="btn btn-sm" href="/studies">
          {back}
        </a>
      )}
    </div>
  );
}
