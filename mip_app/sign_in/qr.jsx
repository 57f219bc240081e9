import { useEffect, useRef, useState } from "react";
import { RefreshCw, Smartphone } from "lucide-react";
import { useT } from "$/public/external/mip_app/core/i18n/i18n.js";

const PATH = "/auth/qr";
const TRY_AGAIN = 2000; // ms, while the network is away
const DECIDED = ["approved", "refused", "gone"];

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

// Asks for a code and follows what becomes of it, until that is decided or `signal` stops it.
async function follow(signal, tell) {
  tell({ state: "loading" });
  const asked = await fetch(PATH, { method: "POST", signal });
  if (!asked.ok) return tell({ state: asked.status === 429 ? "too_many" : "failed" });
  const { image, seconds } = await asked.json();
  const until = Date.now() + seconds * 1000;
  let state = "waiting";
  tell({ state, image, until });
  while (!DECIDED.includes(state)) {
    try {
      const answer = await fetch(`${PATH}?known=${state}`, { signal, cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      ({ state } = await answer.json());
      tell({ state, image, until });
    } catch (error) {
      if (signal.aborted) throw error;
      if (Date.now() > until) return tell({ state: "gone", image });
      await pause(TRY_AGAIN);
    }
  }
}

// Whether the page shows the code now; nothing is asked before.
function useShown() {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const checked = (id) => document.getElementById(id)?.checked ?? false;
    const look = () => setShown(checked("way-qr") && !checked("admin"));
    look();
    document.addEventListener("change", look);
    return () => document.removeEventListener("change", look);
  }, []);
  return shown;
}

function useSecondsLeft(until) {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (!until) return;
    const count = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    count();
    const clock = setInterval(count, 1000);
    return () => clearInterval(clock);
  }, [until]);
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

export function QrCode() {
  const t = useT();
  const shown = useShown();
  const enter = useRef(null);
  const [round, setRound] = useState(0);
  const [code, setCode] = useState({ state: "loading" });
  useEffect(() => {
    if (!shown) return;
    const stop = new AbortController();
    const tell = (next) => stop.signal.aborted || setCode(next);
    follow(stop.signal, tell).catch(() => tell({ state: "failed" }));
    return () => stop.abort();
  }, [shown, round]);
  useEffect(() => {
    if (code.state === "approved") enter.current.submit();
  }, [code.state]);
  const time = useSecondsLeft(code.until);
  const usable = code.state === "waiting";
  return (
    <>
      <div className="relative mx-auto size-52">
        {code.image && <img src={code.image} alt={t("sign_in.qr_code")} className={usable ? "size-52 rounded-md" : "size-52 rounded-md opacity-10"} />}
        {code.image && !usable && <Smartphone className="absolute inset-0 m-auto size-10 text-muted" strokeWidth={1.75} />}
      </div>
      <p className="mt-4 text-base" role="status">{t(`sign_in.qr_${code.state}`)}</p>
      <p className="num mt-1 min-h-5 text-sm text-muted">{usable && t("sign_in.qr_left", { time })}</p>
      <button type="button" id="another-code" className="btn btn-ghost btn-sm mt-2 font-normal" onClick={() => setRound(round + 1)}>
        <RefreshCw className="ico" />
        {t("sign_in.qr_another")}
      </button>
      <form ref={enter} method="post" action={`${PATH}/enter`} hidden />
    </>
  );
}
