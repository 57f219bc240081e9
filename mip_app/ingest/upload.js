// Sending files to the server, whatever the page shows meanwhile: four at a time, again after a lost connection.
// Sending twice is harmless: what is stored already is answered as unchanged.

const PARALLEL = 4;
const TRIES = 8;
const PAUSES = [1, 2, 4, 8, 15]; // seconds before the next try
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
    Object.assign(item, { status: "waiting", tries: 0, sent: 0, code: "" });
    all.done -= 1;
  }
  all.problem = "";
  pump();
}

export function stop() {
  for (const item of all.items.filter(({ status }) => status !== "done")) {
    finish(item, "ingest.stopped");
    item.xhr?.abort();
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
  const xhr = new XMLHttpRequest();
  let read = 0;
  let ended = false;
  Object.assign(item, { xhr, status: "sending", sent: 0 });
  xhr.open("POST", "/ingest/file");
  xhr.setRequestHeader("Content-Type", "application/octet-stream");
  xhr.setRequestHeader("X-File-Name", encodeURIComponent(item.name));
  xhr.upload.onprogress = ({ loaded }) => {
    item.sent = Math.min(loaded, item.size);
    changed();
  };
  xhr.upload.onload = () => {
    Object.assign(item, { sent: item.size, status: item.status === "sending" ? "storing" : item.status });
    changed();
  };
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
    else if (xhr.status === 401 || xhr.status === 403) refuseAll(xhr.status === 401 ? "error.not_signed_in" : "error.not_permitted");
    else if (xhr.status === 413) finish(item, "ingest.too_large");
    else later(item);
  };
  xhr.onerror = () => item.status !== "done" && lost(item);
  xhr.send(item.file);
}

// After a broken connection an archive is sent again: what it stored the first time stays counted as stored.
function note(item, outcome) {
  if (item.results.get(outcome.name)?.kind !== "stored") item.results.set(outcome.name, outcome);
}

function arrived(item) {
  all.offline = false;
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
  item.sent = 0;
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
