// What the tool bar and the viewport agree on. It lives in the browser: choosing a tool asks the server nothing.
import { useSyncExternalStore } from "react";

const initial = { tool: "window", preset: "auto", inverted: false, hounsfield: false };
const listeners = new Set();
let now = initial;

const listen = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const controls = () => now;

export const change = (part) => {
  now = { ...now, ...part };
  listeners.forEach((listener) => listener());
};

export const useControls = () => useSyncExternalStore(listen, controls, () => initial);

// Acts that leave nothing to agree on, such as resetting the view.
const acts = new EventTarget();

export const perform = (name) => acts.dispatchEvent(new Event(name));

export const onAct = (name, then) => {
  acts.addEventListener(name, then);
  return () => acts.removeEventListener(name, then);
};

export const startControls = () =>
  change({ ...initial, tool: matchMedia("(pointer: coarse)").matches ? "scroll" : initial.tool });

export const openSheet = (id) => document.getElementById(id)?.showModal();

// From a menu or sheet: choose and close it.
export const pick = (part, element) => {
  change(part);
  element.closest("dialog")?.close();
  element.closest("details")?.removeAttribute("open");
};
