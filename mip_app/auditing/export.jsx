// The dialog of an export: which form, how far it is, and a way to stop it. The file is kept here until it is whole.
import { useRef, useState } from "react";
import { CircleAlert, Download, X } from "lucide-react";
import { useT } from "$/public/external/mip_app/core/i18n/i18n.js";

const number = (n) => n.toLocaleString("en-US");
const size = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)}\u00a0MB` : `${Math.ceil(bytes / 1e3)}\u00a0kB`);
const NEWLINE = 10;

function linesIn(bytes) {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

async function fetched(asked, form, signal, tell) {
  const answer = await fetch(`/admin/audit/export?format=${form}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
    signal,
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const total = Number(answer.headers.get("X-Audit-Entries"));
  const parts = [];
  let [bytes, lines] = [0, -1]; // the first line is the head
  const reader = answer.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    bytes += next.value.length;
    lines += linesIn(next.value);
    tell({ total, bytes, done: Math.max(0, Math.min(lines, total)) });
  }
  return new Blob(parts, { type: answer.headers.get("Content-Type") });
}

function save(blob, form) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `audit-${new Date().toISOString().slice(0, 10)}.${form === "csv" ? "csv" : "xml"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function ExportDialog({ asked }) {
  const t = useT();
  const dialog = useRef(null);
  const running = useRef(null);
  const [form, setForm] = useState("csv");
  const [progress, setProgress] = useState(null);
  const [phase, setPhase] = useState("ready"); // ready, running, done, failed
  const start = async () => {
    running.current = new AbortController();
    setProgress({ total: 0, bytes: 0, done: 0 });
    setPhase("running");
    try {
      save(await fetched(asked, form, running.current.signal, setProgress), form);
      setPhase("done");
    } catch (error) {
      setPhase(error.name === "AbortError" ? "ready" : "failed");
    }
  };
  const close = () => {
    running.current?.abort();
    setPhase("ready");
  };
  const busy = phase === "running";
  return (
    <dialog ref={dialog} id="audit-export" className="modal max-lg:modal-bottom" aria-labelledby="audit-export-title" onClose={close}>
      <div className="modal-box max-w-md">
        <header className="flex items-center">
          <h2 id="audit-export-title" className="text-lg font-semibold">{t("audit.export_title")}</h2>
          <button type="button" className="btn btn-ghost btn-sm btn-square tap ml-auto" aria-label={t("ui.close")} onClick={() => dialog.current.close()}>
            <X className="ico text-lg" />
          </button>
        </header>
        <p className="mt-2 text-sm text-muted">{t("audit.export_what")}</p>
        <fieldset className="mt-4 flex flex-col gap-2" disabled={busy}>
          <legend className="sr-only">{t("audit.export_form")}</legend>
          {["csv", "dicom"].map((name) => (
            <label key={name} className="tap flex items-start gap-2.5 text-base">
              <input type="radio" name="audit-form" value={name} checked={form === name} onChange={() => setForm(name)} className="radio radio-sm mt-0.5" />
              <span>
                {t(`audit.form_${name}`)}
                <span className="block text-sm text-muted">{t(`audit.form_${name}_what`)}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div className="mt-4 min-h-12" aria-live="polite">
          {(busy || phase === "done") && progress && (
            <>
              <progress className="progress progress-primary h-1.5" value={progress.done} max={progress.total || 1} aria-label={t("audit.export_title")} />
              <p className="num mt-1 text-sm text-muted" id="audit-export-state">
                {t(phase === "done" ? "audit.export_done" : "audit.export_progress", { done: number(progress.done), total: number(progress.total), size: size(progress.bytes) })}
              </p>
            </>
          )}
          {phase === "failed" && (
            <p role="alert" className="flex items-center gap-2 text-sm text-error">
              <CircleAlert className="ico" />
              {t("audit.export_failed")}
            </p>
          )}
        </div>
        <div className="mt-4 flex justify-end gap-2">
          <button type="button" className="btn btn-ghost" onClick={() => (busy ? running.current.abort() : dialog.current.close())}>
            {t(busy ? "audit.export_stop" : "ui.close")}
          </button>
          <button type="button" className="btn btn-primary" id="audit-export-start" onClick={start} disabled={busy}>
            <Download className="ico" />
            {t("audit.export")}
          </button>
        </div>
      </div>
    </dialog>
  );
}
