// The panel of an upload, and the whole page as a place to drop files on. What is sent is in upload.js.
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { CircleCheck, CircleMinus, CircleX, Clock, Download, FolderUp, LoaderCircle, TriangleAlert, Upload as UploadIcon, WifiOff, X } from "lucide-react";
import { useT } from "$/public/external/mip_app/core/i18n/i18n.js";
import { add, addDropped, clear, counted, retry, running, snapshot, stop, subscribe, uploads } from "./upload.js";

const PANEL = "upload";
const SHOWN = 100; // rows; more are asked for
const ORDER = { sending: 0, storing: 0, refused: 1, done: 2, waiting: 3 };

const number = (n) => n.toLocaleString("en-US");
const size = (bytes) =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)}\u00a0GB` : bytes >= 1e6 ? `${Math.round(bytes / 1e6)}\u00a0MB` : `${Math.ceil(bytes / 1e3)}\u00a0kB`;
const isRefused = (item) => item.status === "done" && item.code && !["ingest.stored", "ingest.unchanged"].includes(item.code);

export function UploadPanel() {
  const t = useT();
  const seen = useSyncExternalStore(subscribe, snapshot, () => 0);
  const dialog = useRef(null);
  const [open, setOpen] = useState(false);
  const { counts, refused, sent } = useMemo(counted, [seen]);
  const all = uploads();
  const busy = running();
  useEffect(() => {
    const opened = () => setOpen(dialog.current.open);
    dialog.current.addEventListener("toggle", opened);
    return opener(() => dialog.current?.showModal());
  }, []);
  const show = () => dialog.current.open || dialog.current.showModal();
  return (
    <>
      <dialog ref={dialog} id={PANEL} aria-labelledby="upload-title" closedby="any" onClose={() => setOpen(false)} className="lg:drawer-r max-lg:sheet max-lg:max-h-[86dvh] max-lg:overflow-hidden">
        <div className="flex h-full flex-col max-lg:max-h-[82dvh]">
          <header className="flex h-12 flex-none items-center border-b border-base-300 pr-2 pl-5 max-lg:border-0">
            <h2 id="upload-title" className="text-lg font-semibold">{t("ingest.title")}</h2>
            <button type="button" className="btn btn-ghost btn-sm btn-square tap ml-auto" aria-label={t("ui.close")} onClick={() => dialog.current.close()}>
              <X className="ico text-lg" />
            </button>
          </header>
          <div className="flex-none px-5 pt-4 max-lg:pt-1">
            <Choose t={t} />
            {(all.total > 0 || all.reading > 0) && <Overall t={t} all={all} busy={busy} counts={counts} sent={sent} />}
          </div>
          {all.total > 0 && <Rows t={t} items={all.items} refused={refused} seen={seen} />}
          {all.total > 0 && <Acts t={t} busy={busy} counts={counts} items={all.items} refused={refused} />}
        </div>
      </dialog>
      {busy && !open && (
        <button type="button" onClick={show} data-theme="mip-dark" className="fixed bottom-14 left-1/2 z-30 flex min-h-11 -translate-x-1/2 items-center gap-2 rounded-box bg-neutral px-4 py-2 text-sm text-neutral-content shadow-sheet max-lg:bottom-20">
          <LoaderCircle className="ico text-primary" />
          {t("ingest.running")}
          <span className="num">{number(all.done)} / {number(all.total)}</span>
        </button>
      )}
      <DropAnywhere t={t} onDrop={show} />
    </>
  );
}

// Buttons name the panel by `commandfor`; browsers that do not know it yet are helped here.
function opener(show) {
  if ("commandForElement" in HTMLButtonElement.prototype) return undefined;
  const click = ({ target }) => target.closest?.(`[commandfor="${PANEL}"]`) && show();
  document.addEventListener("click", click);
  return () => document.removeEventListener("click", click);
}

function Choose({ t }) {
  const chosen = ({ target }) => {
    add([...target.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
    target.value = "";
  };
  const input = "sr-only";
  const link = "cursor-pointer rounded-sm text-primary underline-offset-4 hover:underline has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-primary pointer-coarse:inline-block pointer-coarse:py-2.5";
  return (
    <div className="relative flex flex-col items-center gap-1 rounded-box border border-dashed border-edge px-4 py-7 text-center max-lg:py-4">
      <FolderUp className="ico text-2xl text-muted" aria-hidden="true" />
      <p className="mt-1 text-base">
        <span className="block pointer-coarse:hidden">{t("ingest.choose_before")}</span>
        <label className={link}>
          {t("ingest.choose_files")}
          <input type="file" multiple id="upload-files" className={input} onChange={chosen} />
        </label>
        {t("ingest.or")}
        <label className={link}>
          {t("ingest.choose_folder")}
          <input type="file" webkitdirectory="" id="upload-folder" className={input} onChange={chosen} />
        </label>
      </p>
      <p className="text-sm text-muted">{t("ingest.accepted")}</p>
    </div>
  );
}

function Overall({ t, all, busy, counts, sent }) {
  const left = busy && timeLeft(all, sent);
  const head = all.reading && !all.total ? "ingest.reading_folder" : busy ? "ingest.running" : counts.again ? "ingest.not_finished" : "ingest.finished";
  return (
    <section aria-live="polite" className="mt-5">
      <div className="flex items-baseline text-base">
        <span className="font-medium" id="upload-state">{t(head)}</span>
        <span className="num ml-auto text-sm whitespace-nowrap text-muted">
          {t("ingest.progress", { done: number(all.done), total: number(all.total), size: size(all.bytes) })}
        </span>
      </div>
      <progress className="progress progress-primary mt-2 h-1.5" value={all.bytes ? sent : all.done} max={all.bytes || all.total || 1} aria-labelledby="upload-state" />
      <p className="mt-2 flex min-h-5 flex-wrap gap-x-4 text-sm">
        <span className="num text-success">{t("ingest.count_stored", { n: number(counts.stored) })}</span>
        {counts.unchanged > 0 && <span className="num text-muted">{t("ingest.count_unchanged", { n: number(counts.unchanged) })}</span>}
        {counts.refused > 0 && <span className="num text-error">{t("ingest.count_refused", { n: number(counts.refused) })}</span>}
        {left && <span className="num ml-auto text-muted">{t("ingest.remaining", { time: t(...left) })}</span>}
      </p>
      {(all.problem || (all.offline && busy)) && (
        <p role="alert" className="mt-2 flex items-center gap-2 rounded-field bg-wash-warn px-3 py-2 text-sm text-warning">
          {all.problem ? <TriangleAlert className="ico" /> : <WifiOff className="ico" />}
          {t(all.problem || "ingest.later")}
        </p>
      )}
    </section>
  );
}

function timeLeft(all, sent) {
  const seconds = (Date.now() - all.since) / 1000;
  if (seconds < 5 || !sent || sent >= all.bytes) return null;
  const left = Math.ceil(((all.bytes - sent) / sent) * seconds);
  return left < 90 ? ["ingest.seconds", { n: left }] : ["ingest.minutes", { n: Math.ceil(left / 60) }];
}

function Rows({ t, items, refused, seen }) {
  const [limit, setLimit] = useState(SHOWN);
  const rows = useMemo(() => {
    const order = (item) => ORDER[isRefused(item) ? "refused" : item.status];
    return [
      ...items.map((item) => ({ at: order(item), item })),
      ...refused.map((entry) => ({ at: ORDER.refused, entry })),
    ].sort((a, b) => a.at - b.at);
  }, [seen]);
  return (
    <ul className="mt-2 min-h-0 flex-1 overflow-auto px-5 scroll-quiet max-lg:min-h-24" id="upload-rows">
      {rows.slice(0, limit).map(({ item, entry }) =>
        item ? <Item key={item.id} t={t} item={item} /> : <Row key={entry.key} icon="refused" name={entry.name} words={t(entry.code, entry.detail)} />,
      )}
      {rows.length > limit && (
        <li className="py-2 text-center">
          <button type="button" className="btn btn-ghost btn-sm text-muted" onClick={() => setLimit(limit + 200)}>
            {t("ingest.more", { n: number(rows.length - limit) })}
          </button>
        </li>
      )}
    </ul>
  );
}

const of = (wanted, { results }) => [...results.values()].filter(({ kind }) => kind === wanted).length;

function entries(t, item) {
  const [stored, unchanged] = [of("stored", item), of("unchanged", item)];
  return unchanged ? t("ingest.entries_both", { n: number(stored), m: number(unchanged) }) : t("ingest.entries", { n: number(stored) });
}

function Item({ t, item }) {
  const { status, results } = item;
  const stored = of("stored", item) + of("unchanged", item);
  const archive = results.size > 1 || (results.size === 1 && !results.has(item.name));
  const count = archive && `${number(stored)} / ${number(results.size)}`;
  if (status === "done") {
    const unchanged = item.code === "ingest.unchanged" || (archive && stored && !of("stored", item));
    const icon = isRefused(item) ? "refused" : unchanged ? "unchanged" : stored || !archive ? "stored" : "refused";
    const words = item.code ? t(item.code, item.detail) : entries(t, item);
    return <Row icon={icon} name={item.name} count={count} words={words} />;
  }
  const words = { waiting: "ingest.waiting", sending: "ingest.sending", storing: "ingest.storing" }[status];
  return (
    <Row icon={status === "waiting" ? "waiting" : "sending"} name={item.name} count={count || size(item.size)} words={t(words)}>
      {status === "sending" && item.size > 1e6 && <progress className="progress progress-primary mt-1.5 h-1" value={item.sent} max={item.size} aria-label={item.name} />}
    </Row>
  );
}

const ICONS = {
  stored: [CircleCheck, "ico text-lg text-success"],
  unchanged: [CircleMinus, "ico text-lg text-muted"],
  refused: [CircleX, "ico text-lg text-error"],
  sending: [LoaderCircle, "ico text-lg text-primary"],
  waiting: [Clock, "ico text-lg text-muted"],
};

function Row({ icon, name, count, words, children }) {
  const [Icon, look] = ICONS[icon];
  return (
    <li className="flex gap-3 border-b border-base-300/70 py-3" data-result={icon}>
      <Icon className={look} aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <div className="flex gap-2">
          <span className="truncate text-base" title={name} dir="auto">{name}</span>
          <span className="num ml-auto text-sm whitespace-nowrap text-muted">{count}</span>
        </div>
        <p className={icon === "refused" ? "text-sm text-error" : "text-sm text-muted"}>{words}</p>
        {children}
      </div>
    </li>
  );
}

function Acts({ t, busy, counts, items, refused }) {
  return (
    <footer className="flex flex-none items-center gap-2 border-t border-base-300 p-4">
      <button type="button" className="btn btn-sm btn-ghost font-normal" onClick={() => saveList(t, items, refused)}>
        <Download className="ico" />
        {t("ingest.save_list")}
      </button>
      <span className="ml-auto" />
      {counts.again > 0 && !busy && (
        <button type="button" className="btn btn-sm btn-primary" onClick={retry}>{t("ingest.retry", { n: number(counts.again) })}</button>
      )}
      {busy ? (
        <button type="button" className="btn btn-sm" onClick={stop}>{t("ingest.stop")}</button>
      ) : (
        <button type="button" className="btn btn-sm" onClick={clear}>{t("ingest.clear")}</button>
      )}
    </footer>
  );
}

function saveList(t, items, refused) {
  // A cell that begins like a formula is text: names are a sender's.
  const cell = (text) => `"${(/^[=+\-@\t]/.test(text) ? `'${text}` : text).replace(/"/g, '""')}"`;
  const words = (item) => (item.code ? t(item.code, item.detail) : item.status === "done" ? entries(t, item) : t("ingest.waiting"));
  const lines = [
    [t("ingest.list_name"), t("ingest.list_result")],
    ...items.map((item) => [item.name, words(item)]),
    ...refused.map((entry) => [entry.name, t(entry.code, entry.detail)]),
  ].map((row) => row.map(cell).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n")], { type: "text/csv" }));
  link.download = "upload.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function DropAnywhere({ t, onDrop }) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0; // enter and leave come for every element on the way
    const files = (event) => event.dataTransfer?.types.includes("Files");
    const moved = (step) => (event) => {
      if (!files(event)) return;
      event.preventDefault();
      depth = Math.max(0, depth + step);
      setOver(depth > 0);
    };
    const dropped = (event) => {
      if (!files(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      addDropped(event.dataTransfer);
      onDrop();
    };
    const heard = { dragenter: moved(1), dragover: moved(0), dragleave: moved(-1), drop: dropped };
    Object.entries(heard).forEach(([name, handler]) => document.addEventListener(name, handler));
    return () => Object.entries(heard).forEach(([name, handler]) => document.removeEventListener(name, handler));
  }, []);
  const layer = useRef(null);
  useEffect(() => {
    // In the top layer: above an open panel, too.
    if (over) layer.current?.showPopover?.();
    else layer.current?.hidePopover?.();
  }, [over]);
  return (
    <div ref={layer} popover="manual" className="pointer-events-none fixed inset-0 m-0 size-full max-h-none max-w-none border-0 bg-base-100/80 p-3">
      <div className="grid size-full place-content-center justify-items-center gap-2 rounded-box border-2 border-dashed border-primary text-primary">
        <UploadIcon className="ico text-3xl" />
        <p className="text-xl font-medium">{t("ingest.drop")}</p>
      </div>
    </div>
  );
}
