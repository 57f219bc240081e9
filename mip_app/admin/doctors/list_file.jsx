// A list of people on its way in, and the file of initial passwords on its way out. Both by HTTP, by hand.
import { useState } from "react";
import { CircleAlert, Download, FileUp, LoaderCircle } from "lucide-react";
import { useT } from "$/public/external/mip_app/core/i18n/i18n.js";

const LIMIT = 2 << 20;

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", body });
  if (!answer.ok) throw await answer.json();
  return answer;
}

function Wrong({ t, wrong }) {
  return (
    wrong && (
      <p role="alert" className="mt-3 flex items-start gap-2 rounded-field bg-wash-error px-3 py-2 text-error">
        <CircleAlert className="ico flex-none" aria-hidden="true" />
        {t(wrong.code, wrong.detail)}
      </p>
    )
  );
}

export function ListUpload() {
  const t = useT();
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const [wrong, setWrong] = useState(null);
  const send = async (file) => {
    if (!file || busy) return;
    if (file.size > LIMIT) return setWrong({ code: "import.too_large", detail: { limit: LIMIT >> 20 } });
    setBusy(true);
    setWrong(null);
    try {
      const { draft } = await (await post("/people/import", file)).json();
      window.location.assign(`/admin/doctors/import/${draft}`);
    } catch (error) {
      setWrong(error?.code ? error : { code: "ui.offline" });
      setBusy(false);
    }
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    send(event.dataTransfer.files[0]);
  };
  const look = "flex flex-col items-center gap-1 rounded-box border border-dashed px-4 py-10 text-center ";
  return (
    <div>
      <label
        className={look + "cursor-pointer has-focus-visible:outline-2 has-focus-visible:outline-primary " + (over ? "border-primary bg-wash" : "border-edge")}
        onDragOver={(event) => (event.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        {busy ? <LoaderCircle className="ico text-2xl text-primary" aria-hidden="true" /> : <FileUp className="ico text-2xl text-muted" aria-hidden="true" />}
        <span className="text-base font-medium text-primary">{t(busy ? "import.sending" : "import.choose")}</span>
        <span className="text-sm text-muted">{t("import.choose_more")}</span>
        <input
          type="file"
          id="import-file"
          accept=".csv,.txt,.xlsx"
          className="sr-only"
          disabled={busy}
          onChange={({ target }) => (send(target.files[0]), (target.value = ""))}
        />
      </label>
      <Wrong t={t} wrong={wrong} />
    </div>
  );
}

export function PasswordsOnce({ target, label, onTaken }) {
  const t = useT();
  const [wrong, setWrong] = useState(null);
  const take = async () => {
    try {
      const file = await (await post(target)).blob();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = "passwords.csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      onTaken?.();
    } catch (error) {
      setWrong(error?.code ? error : { code: "ui.offline" });
    }
  };
  return (
    <div>
      <button type="button" id="take-passwords" className="btn btn-primary" onClick={take}>
        <Download className="ico" aria-hidden="true" />
        {label}
      </button>
      <Wrong t={t} wrong={wrong} />
    </div>
  );
}
