// What is under the writer's hands. Every text leaves through one queue, so that the server sees one writer's acts
// in their order: taking the lock, autosaves, and the buttons. Nothing here decides who may write: the server does.
import { useEffect, useRef, useState, useSyncExternalStore } from "react";

const AFTER_LAST_KEY = 800;
const AT_MOST = 5000;
const ANSWER_WITHIN = 8000;
const LIMIT = 65536; // bytes of UTF-8 in a field
const ASKED_AGAIN = ["take", "autosave", "keep", "renew"]; // a lost answer may be asked for again
const GIVES_LOCK = ["take", "take_over", "amend"];
const TOLD = ["taken_over", "expired", "other_window"]; // ends of the lock that its holder did not choose

const NOTHING = {
  ready: false, writing: false, taking: false, editable: false, dirty: false, busy: false, offline: false,
  savedAt: "", findings: 0, impression: 0, unsent: 0, tooLong: false, adopted: 0,
  notice: "", who: "", n: 0, backup: "", moved: false,
};
let shown = NOTHING;
let page = null;
const listeners = new Set();
const listen = (listener) => (listeners.add(listener), () => listeners.delete(listener));

export const useDesk = () => useSyncExternalStore(listen, () => shown, () => NOTHING);
export const words = () => page?.local ?? { findings: "", impression: "" };

const texts = ({ findings, impression }) => ({ findings, impression });
const same = (a, b) => a.findings === b.findings && a.impression === b.impression;
const count = (text) => Array.from(text.replace(/\s+/g, "")).length;
const tooLong = (text) => text.length >= LIMIT || (text.length > LIMIT / 3 && new Blob([text]).size > LIMIT);
const dirty = () => !same(page.local, page.base);

function show(change = {}) {
  const { local, base, text, lock, can } = page;
  shown = {
    ...shown, ...change,
    ready: text !== null,
    writing: page.fence !== null,
    taking: page.inflight?.name === "take" || page.wantsLock,
    editable: text !== null && can.includes("write") && (page.fence !== null || lock.holder === "" || lock.mine),
    dirty: dirty(),
    busy: page.inflight !== null || page.queue.length > 0,
    offline: page.offline,
    savedAt: page.fence !== null && text && text.revision > page.taken ? text.at : "",
    findings: count(local.findings),
    impression: count(local.impression),
    unsent: dirty() ? Math.max(1, Math.abs(count(local.findings + local.impression) - count(base.findings + base.impression))) : 0,
    tooLong: tooLong(local.findings) || tooLong(local.impression),
    backup: page.backup?.at ?? "",
    moved: page.backup !== null && text !== null && page.backup.revision !== text.revision,
  };
  listeners.forEach((listener) => listener());
}

// ---- kept on this device, for a crash and for the time without a network ----

const key = () => `mip.report.${page.me}.${page.uid}`;

function remember() {
  try {
    localStorage.setItem(key(), JSON.stringify({ ...page.local, revision: page.revision, at: new Date().toTimeString().slice(0, 5) }));
  } catch {
    // a full or forbidden storage: the text still travels
  }
}

const forget = () => localStorage.removeItem(key());

function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(key()));
    return typeof kept?.findings === "string" && typeof kept?.impression === "string" ? kept : null;
  } catch {
    return null;
  }
}

// ---- the page opens, is told, and closes ----

export function open(uid, me, send) {
  page = {
    uid, me, send, text: null, lock: null, can: [], offline: false,
    fence: null, taken: -1, revision: -1, base: { findings: "", impression: "" }, local: { findings: "", impression: "" },
    asks: Date.now(), inflight: null, queue: [], wantsLock: false, backup: null,
    held: false, composing: false, lastKey: 0, dirtySince: 0,
  };
  show({ ...NOTHING });
  const timer = setInterval(tick, 200);
  const hidden = () => document.visibilityState === "hidden" && flush();
  const back = (event) => event.persisted && window.location.reload(); // its lock is gone, its words were sent
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", back);
  document.addEventListener("visibilitychange", hidden);
  return () => {
    clearInterval(timer);
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("pageshow", back);
    document.removeEventListener("visibilitychange", hidden);
    leave();
    page = null;
  };
}

export function receive({ text, lock, can, answer, offline }) {
  if (!page || text.uid !== page.uid || text.revision < 0) return;
  const first = page.text === null;
  Object.assign(page, { text, lock, can, offline });
  if (offline) page.queue = []; // an act is not done later, behind its doctor's back
  if (first) begin();
  settleAnswer(answer);
  settleLock();
  if (!dirty() && !page.inflight && !page.composing) adopt();
  show();
  pump();
}

function begin() {
  adopt();
  const kept = remembered();
  if (kept && (same(kept, page.text) || !page.can.includes("write"))) forget();
  else if (kept) page.backup = kept;
}

function adopt() {
  const { text } = page;
  if (text.revision === page.revision && same(text, page.local)) return;
  page.local = page.base = texts(text);
  page.revision = text.revision;
  show({ adopted: shown.adopted + 1 });
}

function leave() {
  if (!page || page.fence === null) return;
  const last = { uid: page.uid, fence: page.fence, revision: page.revision };
  const post = (body) => navigator.sendBeacon("/reports/leave", new Blob([JSON.stringify(body)], { type: "application/json" }));
  // A beacon holds 64 kB: longer words stay on this device and are offered when the report is opened again.
  if (!dirty() || !post({ ...last, ...page.local })) post(last);
  page.fence = null;
}

// ---- typing ----

export function typed(name, value) {
  if (!page?.text) return;
  if (page.backup) keepBackup();
  const before = dirty();
  page.local = { ...page.local, [name]: value };
  page.lastKey = performance.now();
  if (!before) page.dirtySince = page.lastKey;
  page.held = false;
  if (dirty()) remember();
  else forget();
  if (page.fence === null && page.inflight?.name !== "take") page.wantsLock = true;
  show();
  pump();
}

export function composing(is) {
  if (!page?.text) return;
  page.composing = is;
  if (is && page.fence === null && page.inflight?.name !== "take") page.wantsLock = true;
  pump();
}

// Other words in place of these, as if typed.
export function put(other) {
  if (!page?.text || !shown.editable) return;
  typed("findings", other.findings);
  typed("impression", other.impression);
  show({ adopted: shown.adopted + 1 });
}

export function restore() {
  const kept = page?.backup;
  if (!kept) return;
  if (shown.moved) return keepBackup();
  page.backup = null;
  put(kept);
}

export function discard() {
  if (!page) return;
  page.backup = null;
  forget();
  show();
}

function keepBackup() {
  page.queue.unshift({ name: "keep", extra: { ...texts(page.backup), revision: page.backup.revision } });
  page.backup = null;
  if (!dirty()) forget();
  show();
  pump();
}

// ---- the queue ----

export function act(name, extra = {}) {
  if (!page?.text || page.offline) return;
  page.queue.push({ name, extra });
  show({ notice: "" });
  pump();
}

export const edit = () => {
  if (!page?.text || page.fence !== null) return;
  page.wantsLock = true;
  pump();
};

export const dismiss = () => page && show({ notice: "" });

export function flush() {
  if (!page) return;
  page.lastKey = page.dirtySince = -AT_MOST;
  pump();
}

function tick() {
  const asked = page?.inflight;
  if (asked && !page.offline && performance.now() - asked.at > ANSWER_WITHIN) {
    asked.at = performance.now();
    if (ASKED_AGAIN.includes(asked.name)) page.send[asked.name](asked.payload);
    else {
      page.inflight = null;
      show({ notice: "report.no_answer" });
    }
  }
  pump();
}

function pump() {
  if (!page?.text || page.offline || page.inflight) return;
  if (page.wantsLock && page.fence === null) {
    page.wantsLock = false;
    if (page.can.includes("write")) return ask("take", { findings: undefined, impression: undefined });
  }
  const next = page.queue.shift();
  if (next) return ask(next.name, next.extra);
  const now = performance.now();
  const due = now - page.lastKey >= AFTER_LAST_KEY || now - page.dirtySince >= AT_MOST;
  if (page.fence !== null && dirty() && due && !page.composing && !page.held && !shown.tooLong) ask("autosave");
}

function ask(name, extra = {}) {
  page.asks += 1;
  const payload = { uid: page.uid, fence: page.fence, revision: page.revision, ...page.local, ...extra, ask: page.asks };
  page.inflight = { name, payload, at: performance.now() };
  page.dirtySince = performance.now();
  show();
  page.send[name](payload);
}

function settleAnswer(answer) {
  const asked = page.inflight;
  if (!asked || answer.ask !== asked.payload.ask) return;
  page.inflight = null;
  if (answer.ok) done(asked, answer);
  else if (asked.name === "take") notTaken(answer);
  else if (answer.safe) refused(asked, answer);
  else {
    page.held = true; // what was typed stays where it is
    show({ notice: answer.code, who: answer.who, n: 0 });
  }
}

function done({ name, payload }, answer) {
  if (name === "keep") return answer.kept && show({ notice: shown.notice.endsWith("_kept") ? shown.notice : "report.kept", n: answer.kept });
  if (GIVES_LOCK.includes(name)) {
    page.fence = answer.fence;
    page.taken = answer.revision;
    if (document.activeElement === document.body) document.getElementById("findings")?.focus(); // 编辑 is gone
    page.dirtySince = performance.now();
    return show({ notice: "" });
  }
  page.revision = answer.revision;
  if (name === "renew") return;
  page.base = name === "drop_amendment" ? texts(page.text) : texts(payload);
  if (name === "drop_amendment") page.local = page.base;
  if (name !== "autosave") {
    page.fence = null;
    page.wantsLock = dirty(); // typed while the answer was on its way
    if (name === "drop_amendment") show({ adopted: shown.adopted + 1 });
  }
  if (!dirty()) forget();
}

function notTaken(answer) {
  const typedHere = dirty();
  if (typedHere) page.backup = remembered();
  page.local = page.base;
  page.revision = -2; // whatever stands there now is taken over
  adopt();
  show({ notice: typedHere || answer.code !== "report.held" ? answer.code : "", who: answer.who, n: 0 });
}

function refused({ payload }, answer) {
  const { lock } = page;
  const why = lock.ended_fence === payload.fence && TOLD.includes(lock.ended_why) ? `report.ended_${lock.ended_why}` : answer.code;
  const n = answer.kept || (why === answer.code ? 0 : lock.ended_version);
  page.fence = null;
  // The server kept what it was sent; what was typed while the answer was on its way is kept likewise.
  if (!same(page.local, payload)) page.queue.push({ name: "keep", extra: { ...page.local, revision: page.revision } });
  page.base = page.local;
  forget();
  page.revision = -2;
  adopt();
  say(why, lock.ended_by || answer.who, n);
}

function settleLock() {
  const { lock } = page;
  if (page.fence === null || page.inflight || (lock.mine && lock.fence === page.fence)) return;
  if (lock.expired && lock.fence === page.fence) return; // about to be freed: then it is known what became of the text
  const mine = lock.ended_fence === page.fence;
  if (dirty()) return ask("autosave"); // refused, and kept as a version
  page.fence = null;
  if (mine && TOLD.includes(lock.ended_why)) say(`report.ended_${lock.ended_why}`, lock.ended_by, lock.ended_version);
}

const say = (notice, who, n) => show({ notice: n ? `${notice}_kept` : notice, who, n });

// ---- the clock of the lock bar ----

export function useLockClock(lock) {
  const told = useRef({ now: -1, at: 0 });
  if (told.current.now !== lock.now) told.current = { now: lock.now, at: performance.now() };
  const [, beat] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => beat((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const now = lock.now + performance.now() - told.current.at;
  const left = Math.max(0, Math.ceil((lock.expires - now) / 1000));
  return {
    expiring: lock.expires > 0 && left <= 120,
    left: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`,
    idle: Math.max(0, Math.floor((now - lock.last_input) / 60000)),
  };
}

const WIDE = "(min-width: 64rem)";

// Whether there is room for images beside the text: what is not shown is not loaded.
export const useWide = () =>
  useSyncExternalStore(
    (listener) => {
      const query = window.matchMedia(WIDE);
      query.addEventListener("change", listener);
      return () => query.removeEventListener("change", listener);
    },
    () => window.matchMedia(WIDE).matches,
    () => false,
  );

// ---- native dialogs ----

export const openDialog = (id) => {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
};
export const closeDialog = (id) => document.getElementById(id)?.close();
/** Whether a required field is filled; when not it is marked, until somebody types, and has the focus. */
export function filled(id) {
  const field = document.getElementById(id);
  if (field.value.trim()) return true;
  field.setAttribute("aria-invalid", "true");
  field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
  field.focus();
  return false;
}
export const valueOf = (id) => document.getElementById(id)?.value ?? "";
