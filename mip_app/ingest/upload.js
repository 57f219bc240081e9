// Sending files to the server, whatever the page shows meanwhile: four at a time, again after a lost connection.
// Small ones are sent whole; the large go on where the server has them, also when the page was loaded anew since.
// Sending twice is harmless: what is stored already is answered as unchanged.

const PARALLEL = 4;
const TRIES = 8;
const PAUSES = [1, 2, 4, 8, 15]; // seconds before the next try
const RESUMED_FROM = 4 * 1024 * 1024; // bytes; what is smaller is as quick to send again
const KEPT = "mip.uploads"; // where in the browser the addresses of begun uploads are
const DAY = 24 * 3600 * 1000;
const JUNK = /(^|\/)(__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._[^/]*$)/i;
const AGAIN = new Set(["ingest.not_sent", "ingest.not_stored", "ingest.unexpected", "error.no_room", "ingest.stopped"]);

const fresh = () => ({ items: [], reading: 0, offline: false, problem: "", total: 0, done: 0, bytes: 0, sent: 0, since: 0 });
let all = fresh();
let told = null;
let version = 0;
const listeners = new Set();

export const subscribe = (listener) => (listeners.add(listener), () => listeners.delete(listener));
export const snapshot = () => version;
export const uploads = () => all;
export const running = () => all.reading > 0 || all.items.some(({ status }) => ["waiting", "sending", "storing"].includes(status));
export const isAgain = (item) => item.status === "done" && AGAIN.has(item.code);

// Many small steps are one picture: a page of two thousand files is drawn seven times a second, not at each of them.
function changed() {
  told ??= setTimeout(() => {
    told = null;
    version += 1;
    listeners.forEach((listener) => listener());
  }, 150);
}

export function add(files) {
  if (!running()) Object.assign(all, { since: Date.now(), problem: "" });
  for (const { file, name } of files) {
    if (JUNK.test(name)) continue;
    all.items.push({ id: all.items.length, file, name, size: file.size, status: "waiting", sent: 0, tries: 0, results: new Map() });
    all.bytes += file.size;
    all.total += 1;
  }
  changed();
  pump();
}

/** What was dropped: files, and folders with all that is below them. Call it inside the drop event. */
export function addDropped(transfer) {
  const entries = [...transfer.items].map((item) => item.kind === "file" && (item.webkitGetAsEntry?.() ?? item.getAsFile()));
  all.reading += 1;
  changed();
  walk(entries.filter(Boolean)).finally(() => {
    all.reading -= 1;
    changed();
  });
}

async function walk(entries) {
  for (const entry of entries) {
    if (entry instanceof File) add([{ file: entry, name: entry.name }]);
    else if (entry.isFile) await fileOf(entry).then((found) => add([found]), () => unreadable(entry));
    else await walkFolder(entry.createReader());
  }
}

async function walkFolder(reader) {
  // A reader gives a hundred at a time, and an empty list at the end.
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return;
    await walk(some);
  }
}

const fileOf = (entry) =>
  new Promise((resolve, reject) => entry.file((file) => resolve({ file, name: entry.fullPath.replace(/^\//, "") }), reject));

function unreadable(entry) {
  add([{ file: new File([], entry.name), name: entry.fullPath.replace(/^\//, "") }]);
  finish(all.items.at(-1), "ingest.local_unreadable");
}

export function retry() {
  for (const item of all.items.filter(isAgain)) {
    Object.assign(item, { status: "waiting", tries: 0, code: "" });
    all.done -= 1;
  }
  all.problem = "";
  pump();
}

export function stop() {
  for (const item of all.items.filter(({ status }) => status !== "done")) {
    const { xhr } = item;
    finish(item, "ingest.stopped");
    xhr?.abort();
  }
}

export function clear() {
  all = fresh();
  changed();
}

function pump() {
  const busy = all.items.filter(({ status }) => status === "sending" || status === "storing").length;
  const next = all.items.filter(({ status, after }) => status === "waiting" && !(after > Date.now()));
  next.slice(0, PARALLEL - busy).forEach(send);
  changed();
}

function send(item) {
  if (item.size >= RESUMED_FROM) return void resume(item).catch(() => item.status !== "done" && lost(item));
  const xhr = taking(item, "/ingest/file");
  Object.assign(item, { status: "sending", sent: 0 });
  xhr.setRequestHeader("Content-Type", "application/octet-stream");
  xhr.setRequestHeader("X-File-Name", encodeURIComponent(item.name));
  progress(xhr, item, 0);
  xhr.upload.onload = () => {
    Object.assign(item, { sent: item.size, status: item.status === "sending" ? "storing" : item.status });
    changed();
  };
  xhr.send(item.file);
}

// How far it got the server says: what was on its way when the connection broke is counted only when it is there.
async function resume(item) {
  Object.assign(item, { status: "sending" });
  changed();
  let at = kept(item);
  let offset = at ? await offsetOf(item, at) : null;
  if (offset === null) {
    const begun = await asked(item, "POST", "/ingest/uploads", { "Upload-Length": item.size, "X-File-Name": encodeURIComponent(item.name) });
    if (begun === null || begun.status !== 201) return begun && answeredOtherwise(item, begun);
    at = begun.getResponseHeader("Location");
    keep(item, at);
    offset = 0;
  }
  item.sent = offset;
  changed();
  if (offset < item.size) {
    const appended = await asked(item, "PATCH", at, { "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" }, offset);
    if (appended === null || appended.status !== 204) return appended && answeredOtherwise(item, appended);
  }
  Object.assign(item, { sent: item.size, status: item.status === "sending" ? "storing" : item.status });
  changed();
  item.at = at;
  if (item.status !== "done") taking(item, `${at}/take`).send();
}

/** The offset, or null where the server knows the upload no more. */
async function offsetOf(item, at) {
  const answer = await asked(item, "HEAD", at);
  if (answer?.status === 404) keep(item, null);
  if (answer?.status !== 200) return answer?.status === 404 ? null : Promise.reject(new Error("not answered"));
  return Number(answer.getResponseHeader("Upload-Offset"));
}

/** The request when it was answered; null when the upload was stopped meanwhile. Rejects when the connection broke. */
function asked(item, method, address, headers = {}, from = null) {
  return new Promise((resolve, reject) => {
    if (item.status === "done") return resolve(null);
    const xhr = new XMLHttpRequest();
    item.xhr = xhr;
    xhr.open(method, address);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    if (from !== null) progress(xhr, item, from);
    xhr.onload = () => resolve(item.status === "done" ? null : xhr);
    xhr.onerror = reject;
    xhr.onabort = () => resolve(null);
    xhr.send(from === null ? null : item.file.slice(from));
  });
}

function progress(xhr, item, from) {
  xhr.upload.onprogress = ({ loaded }) => {
    item.sent = Math.min(from + loaded, item.size);
    changed();
  };
}

// By what the file is, and not by its name in words: names in folders of images are patients' names.
function markOf({ name, size, file }) {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (const unit of `${name}|${size}|${file.lastModified}`) {
    const code = unit.codePointAt(0);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  return `${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}${size.toString(36)}`;
}

function remembered() {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(localStorage.getItem(KEPT)) ?? {}).filter(([, { since }]) => Date.now() - since < DAY));
  } catch {
    return {};
  }
}

const kept = (item) => remembered()[markOf(item)]?.at ?? null;

function keep(item, at) {
  const all = remembered();
  if (at) all[markOf(item)] = { at, since: Date.now() };
  else delete all[markOf(item)];
  try {
    localStorage.setItem(KEPT, JSON.stringify(all));
  } catch {
    // a full or closed store: this page goes on without it, and another one begins anew
    item.at = at;
  }
}

function forget(item) {
  const at = kept(item) ?? item.at;
  if (!at) return;
  keep(item, null);
  fetch(at, { method: "DELETE" }).catch(() => {}); // else it is gone tomorrow
}

function answeredOtherwise(item, { status, responseText }) {
  if (item.status === "done") return;
  if (status === 401 || status === 403) refuseAll(status === 401 ? "error.not_signed_in" : "error.not_permitted");
  else if (status === 413) finish(item, "ingest.too_large");
  else if (status === 429) finish(item, JSON.parse(responseText || "{}").code ?? "ingest.not_sent");
  else later(item);
}

/** A request whose answer says, line by line, what became of the files. */
function taking(item, address) {
  const xhr = new XMLHttpRequest();
  let read = 0;
  let ended = false;
  item.xhr = xhr;
  xhr.open("POST", address);
  const lines = () => {
    const end = xhr.responseText.lastIndexOf("\n") + 1;
    for (const line of xhr.responseText.slice(read, end).split("\n").filter(Boolean)) {
      const outcome = JSON.parse(line);
      if (outcome.end) ended = true;
      else note(item, outcome);
    }
    read = end;
    changed();
  };
  xhr.onprogress = () => xhr.status === 200 && lines();
  xhr.onload = () => {
    if (item.status === "done") return;
    if (xhr.status === 200) lines();
    if (xhr.status === 200 && ended) arrived(item);
    else answeredOtherwise(item, xhr);
  };
  xhr.onerror = () => item.status !== "done" && lost(item);
  return xhr;
}

// After a broken connection an archive is sent again: what it stored the first time stays counted as stored.
function note(item, outcome) {
  if (item.results.get(outcome.name)?.kind !== "stored") item.results.set(outcome.name, outcome);
}

function arrived(item) {
  all.offline = false;
  if (item.size >= RESUMED_FROM) forget(item);
  const results = [...item.results.values()];
  const only = results.length === 1 && results[0].name === item.name ? results[0] : null;
  finish(item, only?.code ?? "", only?.detail);
}

function finish(item, code, detail) {
  if (item.status === "done") return;
  Object.assign(item, { status: "done", code, detail, xhr: null });
  all.done += 1;
  pump();
}

async function lost(item) {
  const readable = await item.file.slice(0, 1).arrayBuffer().then(() => true, () => false);
  if (!readable) finish(item, "ingest.local_unreadable");
  else later(item);
}

function later(item) {
  all.offline = true;
  if (item.size < RESUMED_FROM) item.sent = 0;
  if (navigator.onLine) item.tries += 1;
  if (item.tries >= TRIES) return finish(item, "ingest.not_sent");
  const pause = PAUSES[Math.min(item.tries, PAUSES.length) - 1] ?? 1;
  Object.assign(item, { status: "waiting", after: Date.now() + pause * 1000 });
  setTimeout(pump, pause * 1000 + 10);
  changed();
}

function refuseAll(problem) {
  all.problem = problem;
  stop();
}

if (typeof window !== "undefined") {
  window.addEventListener("online", () => {
    for (const item of all.items) item.after = 0;
    pump();
  });
  window.addEventListener("beforeunload", (event) => running() && event.preventDefault());
}

/** Everything the panel says, counted once for each picture. */
export function counted() {
  const counts = { stored: 0, unchanged: 0, refused: 0, again: 0 };
  const refused = [];
  let sent = 0;
  for (const item of all.items) {
    sent += item.status === "done" ? item.size : item.sent;
    for (const outcome of item.results.values()) {
      counts[outcome.kind] += 1;
      if (outcome.kind === "refused" && outcome.name !== item.name) refused.push({ key: `${item.id}/${outcome.name}`, ...outcome });
    }
    if (item.status === "done" && !item.results.size && item.code) counts.refused += 1;
    if (isAgain(item)) counts.again += 1;
  }
  return { counts, refused, sent };
}
