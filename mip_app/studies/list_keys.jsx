import { useEffect } from "react";

// The current row, the keys of the list, and the moment at which what arrived may enter by itself.
// Which row is current outlives a visit to a study: Back finds it again.
let current = "";

const STILL = 10_000; // ms without a hand on keys or mouse
const rows = () => [...document.querySelectorAll("#study-rows > tr")];
const rowOf = (uid) => rows().find((row) => row.dataset.uid === uid);
const shown = (element) => element && element.offsetParent !== null;

function mark() {
  for (const row of rows()) {
    const on = row.dataset.uid === current;
    if ((row.getAttribute("aria-selected") === "true") === on && row.hasAttribute("tabindex")) continue;
    row.setAttribute("aria-selected", on);
    row.tabIndex = on ? 0 : -1;
  }
}

function makeCurrent(row) {
  current = row ? row.dataset.uid : "";
  mark();
  row?.focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.dataset.uid === current);
  const to = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
  if (all[to]) makeCurrent(all[to]);
}

const act = (name, row = rowOf(current)) => row?.querySelector(`[data-act="${name}"]`)?.click();
const search = () => [...document.querySelectorAll("[data-search]")].find(shown);

function empty(field) {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, "");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function inSearch(event, field) {
  if (event.key === "Escape") {
    event.preventDefault();
    if (field.value) empty(field);
    else field.blur();
  } else if (event.key === "ArrowDown") {
    event.preventDefault();
    field.blur();
    move(1);
  }
}

const keys = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  Enter: () => act("images"),
  r: () => act("report"),
  "[": () => document.getElementById("page-previous")?.click(),
  "]": () => document.getElementById("page-next")?.click(),
  "/": () => search()?.focus(),
  "?": () => document.getElementById("keys")?.showModal(),
  Escape: () => makeCurrent(null),
};

function onKey(event) {
  const { target } = event;
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches?.("[data-search]")) return inSearch(event, target);
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && closeMenus()) return;
  if (target.closest?.("input, textarea, select, details[open]")) return;
  if (event.key === "Enter" && target.closest?.("a, button, summary")) return;
  const does = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

function closeMenus(except) {
  const open = [...document.querySelectorAll("details.dropdown[open]")].filter((menu) => !menu.contains(except));
  open.forEach((menu) => menu.removeAttribute("open"));
  return open.length > 0;
}

const onPointer = (event) => closeMenus(event.target);

function onClick(event) {
  const row = event.target.closest?.("#study-rows > tr");
  if (row && !event.target.closest("a, button")) makeCurrent(row);
}

function onDouble(event) {
  const row = event.target.closest?.("#study-rows > tr");
  if (!row || event.target.closest("a, button")) return;
  window.getSelection()?.removeAllRanges();
  act("images", row);
}

// A picture that cannot be had leaves the black square with the modality in it.
function onError(event) {
  if (event.target.matches?.("img[data-thumbnail]")) event.target.style.visibility = "hidden";
}

const atTop = () => !window.scrollY && !document.getElementById("study-scroll")?.scrollTop;
const underHand = () =>
  rowOf(current) || document.querySelector("#study-rows:hover, dialog[open], details.dropdown[open]");

export function ListKeys({ top, arrived }) {
  useEffect(() => {
    const listeners = [
      ["keydown", onKey],
      ["pointerdown", onPointer],
      ["click", onClick],
      ["dblclick", onDouble],
      ["error", onError, true],
    ];
    listeners.forEach((listener) => document.addEventListener(...listener));
    const watched = new MutationObserver(mark);
    watched.observe(document.body, { childList: true, subtree: true });
    mark();
    return () => {
      listeners.forEach((listener) => document.removeEventListener(...listener));
      watched.disconnect();
    };
  }, []);

  useEffect(() => {
    if (!top || !arrived) return;
    let touched = Date.now();
    const touch = () => (touched = Date.now());
    const signs = ["keydown", "pointermove", "pointerdown", "wheel", "touchmove"];
    signs.forEach((sign) => document.addEventListener(sign, touch, { passive: true }));
    const timer = setInterval(() => {
      if (Date.now() - touched < STILL || !atTop() || underHand()) return;
      document.getElementById("show-arrived")?.click();
    }, 500);
    return () => {
      clearInterval(timer);
      signs.forEach((sign) => document.removeEventListener(sign, touch));
    };
  }, [top, arrived > 0]);

  return null;
}
