// One picture of a person: shown, changed, taken away. It travels by HTTP; no event carries it.
import { useState } from "react";
import { CircleAlert, LoaderCircle } from "lucide-react";
import { useT } from "$/public/external/mip_app/core/i18n/i18n.js";

const LIMIT = 2 << 20;

async function send(target, body) {
  const answer = await fetch(target, { method: "POST", body });
  const said = await answer.json();
  if (!answer.ok) throw said;
  return said.address;
}

export function PictureField({ kind, label, help, address, target, onChanged }) {
  const t = useT();
  const [known, setKnown] = useState({ from: address, now: address });
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState(null);
  if (known.from !== address) setKnown({ from: address, now: address });

  const put = async (file) => {
    if (file && file.size > LIMIT) return setWrong({ code: "picture.too_large", detail: { limit: LIMIT >> 20 } });
    setBusy(true);
    setWrong(null);
    try {
      const now = await send(target, file ?? new Blob());
      setKnown({ from: address, now });
      onChanged?.(now);
    } catch (error) {
      setWrong(error?.code ? error : { code: "ui.offline" });
    } finally {
      setBusy(false);
    }
  };
  const chosen = ({ target: input }) => {
    if (input.files[0]) put(input.files[0]);
    input.value = "";
  };
  const frame = kind === "avatar" ? "size-14 rounded-full object-cover" : "h-14 w-40 rounded-field bg-white object-contain p-1";
  return (
    <div data-picture={kind}>
      <p className="mb-1.5 text-muted">{label}</p>
      <div className="flex items-center gap-3">
        {known.now ? (
          <img src={known.now} alt={label} className={frame + " border border-base-300"} />
        ) : (
          <span className={frame + " grid place-items-center border border-dashed border-edge text-xs text-muted"}>{t("picture.none")}</span>
        )}
        <label className="btn btn-sm cursor-pointer has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-primary">
          {busy && <LoaderCircle className="ico" aria-hidden="true" />}
          {t(known.now ? "picture.change" : "picture.choose")}
          <input type="file" accept="image/png,image/jpeg,image/webp" className="sr-only" disabled={busy} onChange={chosen} aria-label={`${label} ${t("picture.choose")}`} />
        </label>
        {known.now && (
          <button type="button" className="btn btn-sm btn-ghost font-normal text-muted" disabled={busy} onClick={() => put(null)}>
            {t("picture.remove")}
          </button>
        )}
      </div>
      {help && <p className="mt-1 text-sm text-muted">{help}</p>}
      {wrong && (
        <p role="alert" className="mt-1 flex items-center gap-1.5 text-sm text-error">
          <CircleAlert className="ico" aria-hidden="true" />
          {t(wrong.code, wrong.detail)}
        </p>
      )}
    </div>
  );
}
