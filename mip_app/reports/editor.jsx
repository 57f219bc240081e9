import { useEffect, useLayoutEffect, useRef } from "react";
import { act, composing, open, receive, typed, useDesk, words } from "./desk.js";

const ACTS = ["take", "take_over", "autosave", "save", "sign", "review", "give_back", "amend", "drop_amendment", "renew", "keep"];

// Holds the page's text and speaks to its state; shows nothing.
export function Desk({ uid, me, text, lock, can, answer, offline, ...handlers }) {
  const latest = useRef(handlers);
  latest.current = handlers;
  // A server that was restarted knows nothing for a moment: what is open here stays open.
  const known = useRef(0);
  if (me) known.current = me;
  const reader = known.current;
  useEffect(() => {
    if (!uid || !reader) return;
    const send = Object.fromEntries(
      ACTS.map((name) => [name, (payload) => latest.current["on" + name.replace(/(^|_)(\w)/g, (_, __, c) => c.toUpperCase())](payload)]),
    );
    return open(uid, reader, send);
  }, [uid, reader]);
  useEffect(() => receive({ text, lock, can, answer, offline }), [uid, reader, text, lock, can, answer, offline]);
  useEffect(() => {
    const keys = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      if (event.key === "s") {
        event.preventDefault();
        if (document.getElementById("save") && !document.querySelector("dialog[open]")) act("save");
      } else if (event.key === "Enter" && !document.querySelector("dialog[open]")) {
        document.querySelector("[data-signs]")?.click();
      }
    };
    document.addEventListener("keydown", keys);
    return () => document.removeEventListener("keydown", keys);
  }, []);
  return null;
}

// One text area. The browser owns what is in it; words from elsewhere come in without moving caret or page.
export function Field({ id, name, label, placeholder, className, limit }) {
  const desk = useDesk();
  const area = useRef(null);
  useLayoutEffect(() => {
    const element = area.current;
    const text = words()[name];
    if (element.value === text) return;
    const { selectionStart, selectionEnd } = element;
    element.value = text;
    if (document.activeElement === element) element.setSelectionRange(selectionStart, selectionEnd);
    fit(element);
  }, [desk.adopted, desk.ready, name]);
  useEffect(() => {
    const observer = new ResizeObserver(() => fit(area.current));
    observer.observe(area.current.parentElement);
    return () => observer.disconnect();
  }, []);
  return (
    <textarea
      ref={area}
      id={id}
      aria-label={label}
      className={className}
      defaultValue=""
      placeholder={desk.editable ? placeholder : ""}
      maxLength={limit}
      readOnly={!desk.editable}
      spellCheck={false}
      rows={3}
      onInput={(event) => {
        fit(event.target);
        typed(name, event.target.value);
      }}
      onCompositionStart={() => composing(true)}
      onCompositionEnd={() => composing(false)}
    />
  );
}

// For browsers without `field-sizing: content`: as tall as its words.
const sizesItself = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");
function fit(element) {
  if (!element || sizesItself) return;
  element.style.height = "auto";
  element.style.height = `${element.scrollHeight}px`;
}
