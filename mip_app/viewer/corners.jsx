// What stands on the image: corner texts, the patient's sides, the bar of slices. All of it changes with each slice,
// so it is drawn here and not by the server. On a phone name and number stand in the bar above, and two lines do.
import { useRef } from "react";

/** `{name}` in a text is replaced by values.name. */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

export const sexOf = (code, texts) => texts[`sex_${code}`] ?? "";
export const ageIn = (age, texts) => (age ? fill(texts[`age_${age.unit}`], age) : "");

export function Corners({ facts, shown, series, total, loaded, texts }) {
  const person = [shown.name || texts.unknown_name, [sexOf(shown.sex, texts), ageIn(shown.age, texts)].join(" ")];
  const window = facts.window && fill(texts.window, rounded(facts.window));
  const zoom = facts.zoom && fill(texts.zoom, { n: Math.round(facts.zoom * 100) });
  const slice = fill(texts.slice, { n: facts.shown + 1, total });
  const progress = loaded < total ? fill(texts.loaded, { n: loaded, total }) : "";
  const place = Number.isFinite(shown.position) ? fill(texts.position, { n: shown.position.toFixed(1) }) : "";
  const run = fill(texts.series, { n: series.number ?? "—" });
  return (
    <>
      <Corner at="top-2 left-2.5 max-lg:hidden" lines={[person.join("  "), shown.patientId]} tag={shown.synthetic && texts.synthetic} />
      <Corner at="top-2 right-5 text-right max-lg:hidden" lines={[shown.institution, shown.taken, series.description]} />
      <Corner at="bottom-2 left-2.5 max-lg:hidden" lines={[window, zoom]} />
      <Corner at="bottom-2 right-5 text-right max-lg:hidden" lines={[slice, progress || place]} />
      <Corner at="top-2.5 left-3 lg:hidden" lines={[run, series.description]} tag={shown.synthetic && texts.synthetic} />
      <Corner at="top-2.5 right-9 text-right lg:hidden" lines={[window, zoom]} />
      <Corner at="bottom-2.5 right-9 text-right lg:hidden" lines={[slice, progress]} />
      {shown.oriented && facts.sides && <Sides {...facts.sides} />}
    </>
  );
}

const rounded = ({ windowWidth, windowCenter }) => ({ w: Math.round(windowWidth), l: Math.round(windowCenter) });

function Corner({ at, lines, tag }) {
  return (
    <p className={`vp-text max-w-1/2 ${at}`}>
      {lines.filter(Boolean).map((line, i) => (
        <span key={i} className="block truncate" title={line}>
          {line}
        </span>
      ))}
      {tag && <span className="mt-1 inline-block rounded-sm border border-current px-1 leading-4">{tag}</span>}
    </p>
  );
}

function Sides({ left, right, top, bottom }) {
  return (
    <div aria-hidden="true">
      <span className="vp-text top-1/2 left-2.5 -translate-y-1/2 text-sm">{left}</span>
      <span className="vp-text top-1/2 right-5 -translate-y-1/2 text-sm max-lg:right-9">{right}</span>
      <span className="vp-text top-2 left-1/2 -translate-x-1/2 text-sm">{top}</span>
      <span className="vp-text bottom-2 left-1/2 -translate-x-1/2 text-sm">{bottom}</span>
    </div>
  );
}

/** The bar at the right: lighter where loaded, the handle at the slice; drag it to go through the stack. */
export function SliceBar({ index, total, runs, label, onIndex }) {
  const track = useRef(null);
  const go = (event) => {
    if (!event.buttons) return;
    const box = track.current.getBoundingClientRect();
    onIndex(Math.round(((event.clientY - box.top) / box.height) * (total - 1)));
  };
  const grab = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    go(event);
  };
  return (
    <div
      className="absolute inset-y-2 right-0 flex w-4 touch-none justify-center max-lg:inset-y-14 max-lg:w-11"
      role="slider"
      aria-label={label}
      aria-orientation="vertical"
      aria-valuemin={1}
      aria-valuemax={total}
      aria-valuenow={index + 1}
      onPointerDown={grab}
      onPointerMove={go}
    >
      <div ref={track} className="relative w-1 rounded-full bg-[#2c3439]">
        {runs.map(([from, to]) => (
          <span
            key={from}
            className="absolute inset-x-0 rounded-full bg-[#4d5a62]"
            style={{ top: `${(from / total) * 100}%`, height: `${((to - from) / total) * 100}%` }}
          />
        ))}
        <span
          className="absolute -inset-x-0.5 h-4 -translate-y-1/2 rounded-full bg-[#d6dde1] max-lg:-inset-x-2 max-lg:h-9"
          style={{ top: `${total > 1 ? (index / (total - 1)) * 100 : 0}%` }}
        />
      </div>
    </div>
  );
}
