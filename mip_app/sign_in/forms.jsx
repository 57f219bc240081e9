// Fields of the steps of signing in: six boxes for a code, a password that can be looked at, a code once more.
import { useEffect, useRef, useState } from "react";
import { Eye, EyeOff } from "lucide-react";
import { useT } from "$/public/external/mip_app/core/i18n/i18n.js";

const LENGTH = 6;
const empty = () => Array(LENGTH).fill("");

/** Six boxes; a paste or the phone's own suggestion fills all. Alone in its form a complete code submits it. */
export function CodeInput({ label, round, invalid, alone = true }) {
  const t = useT();
  const [digits, setDigits] = useState(empty);
  const boxes = useRef([]);
  const whole = useRef(null);
  const code = digits.join("");

  // A refused code is typed anew.
  useEffect(() => {
    setDigits(empty());
    if (alone) boxes.current[0]?.focus();
  }, [round, alone]);

  useEffect(() => {
    if (alone && code.length === LENGTH) whole.current?.form?.requestSubmit();
  }, [code, alone]);

  function put(at, text) {
    const typed = text.replace(/\D/g, "");
    const from = typed.length >= LENGTH ? 0 : at;
    const next = [...digits];
    if (!typed) next[at] = "";
    [...typed].slice(0, LENGTH - from).forEach((digit, index) => (next[from + index] = digit));
    setDigits(next);
    if (typed) boxes.current[Math.min(from + typed.length, LENGTH - 1)]?.focus();
  }

  function onKey(at, event) {
    if (event.key === "Backspace" && !digits[at] && at > 0) {
      put(at - 1, "");
      boxes.current[at - 1]?.focus();
      event.preventDefault();
    }
    if (event.key === "ArrowLeft") boxes.current[at - 1]?.focus();
    if (event.key === "ArrowRight") boxes.current[at + 1]?.focus();
  }

  return (
    <div role="group" aria-label={label} className="grid grid-cols-6 gap-2" data-code-input="">
      {digits.map((digit, at) => (
        <input
          key={at}
          ref={(box) => (boxes.current[at] = box)}
          value={digit}
          onChange={(event) => put(at, digit && event.target.value.length === 2 ? event.target.value.replace(digit, "") : event.target.value)}
          onPaste={(event) => {
            event.preventDefault();
            put(at, event.clipboardData.getData("text"));
          }}
          onFocus={(event) => event.target.select()}
          onKeyDown={(event) => onKey(at, event)}
          inputMode="numeric"
          autoComplete={at === 0 ? "one-time-code" : "off"}
          aria-label={t("code.digit", { n: at + 1 })}
          aria-invalid={invalid || undefined}
          className="h-14 w-full min-w-0 rounded-field border border-edge bg-base-100 text-center text-2xl num aria-invalid:border-error"
        />
      ))}
      <input type="hidden" name="code" value={code} ref={whole} />
    </div>
  );
}

/** Uncontrolled: what is typed is the browser's alone, until it is sent. */
export function PasswordInput({ id, name, fresh, invalid, describedBy, onType }) {
  const t = useT();
  const [seen, setSeen] = useState(false);
  const Icon = seen ? EyeOff : Eye;
  return (
    <span className="input w-full has-[[aria-invalid=true]]:border-error">
      <input
        id={id}
        name={name}
        type={seen ? "text" : "password"}
        required
        maxLength={200}
        autoComplete={fresh ? "new-password" : "current-password"}
        autoCapitalize="none"
        spellCheck={false}
        aria-invalid={invalid || undefined}
        aria-describedby={describedBy || undefined}
        onChange={(event) => onType?.(event.target.value)}
      />
      <button
        type="button"
        className="-mr-2 grid size-8 flex-none cursor-pointer place-items-center rounded-field text-muted hover:text-base-content pointer-coarse:size-11"
        aria-label={t(seen ? "password.hide" : "password.show")}
        aria-pressed={seen}
        onClick={() => setSeen(!seen)}
      >
        <Icon className="ico text-lg" aria-hidden="true" />
      </button>
    </span>
  );
}

/** A code once more, as soon as that is allowed. */
export function Again({ wait, round, onAgain }) {
  const t = useT();
  const [left, setLeft] = useState(wait);
  useEffect(() => {
    const until = Date.now() + wait * 1000;
    const tick = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [wait, round]);
  return (
    <button type="button" id="code-again" className="btn btn-ghost btn-sm num px-2 disabled:text-muted" disabled={left > 0} onClick={() => onAgain?.()}>
      {left > 0 ? t("code.again_in", { seconds: left }) : t("code.again")}
    </button>
  );
}

/** Posts a form of the page as soon as it is there. */
export function PostNow({ form }) {
  useEffect(() => {
    document.getElementById(form)?.requestSubmit();
  }, [form]);
  return null;
}
