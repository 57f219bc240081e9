import { useState } from "react";
import { useT } from "$/public/external/mip_app/core/i18n/i18n.js";

const LIMIT = 2 << 20;

// A button that chooses a picture and sends it as it is; the server draws it anew.
export function LogoField({ label, onSent }) {
  const t = useT();
  const [said, say] = useState("");
  const send = async ({ target }) => {
    const file = target.files[0];
    target.value = "";
    if (!file) return;
    if (file.size > LIMIT) return say("picture.too_large");
    say("logo.sending");
    try {
      const answer = await fetch("/institution/logo", { method: "POST", body: file });
      if (answer.ok) {
        say("");
        onSent?.();
      } else {
        const { code } = await answer.json().catch(() => ({}));
        say(code || "logo.not_sent");
      }
    } catch {
      say("logo.not_sent");
    }
  };
  const failed = said && said !== "logo.sending";
  return (
    <>
      <label className="btn btn-ghost btn-sm text-primary has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-primary pointer-coarse:h-11">
        {label}
        <input type="file" id="logo-file" accept="image/png,image/jpeg,image/webp" className="sr-only" onChange={send} />
      </label>
      {said && (
        <p role={failed ? "alert" : "status"} className={failed ? "basis-full text-sm text-error" : "basis-full text-sm text-muted"}>
          {t(said, { limit: LIMIT >> 20 })}
        </p>
      )}
    </>
  );
}
