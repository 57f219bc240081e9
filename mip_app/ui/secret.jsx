import { useEffect, useState } from "react";
import { Eye, EyeOff } from "lucide-react";
import { useT } from "$/public/external/mip_app/core/i18n/i18n.js";

// Shows what is typed into a password field, until it is sent: a browser remembers only what is no password.
export function Reveal({ field }) {
  const t = useT();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const input = document.getElementById(field);
    input.type = shown ? "text" : "password";
    const hide = () => setShown(false) || (input.type = "password");
    input.form?.addEventListener("submit", hide);
    return () => input.form?.removeEventListener("submit", hide);
  }, [field, shown]);
  const Icon = shown ? EyeOff : Eye;
  return (
    <button type="button" className="grid size-11 flex-none cursor-pointer place-items-center rounded-field text-muted hover:text-base-content" aria-pressed={shown} aria-controls={field} aria-label={t("ui.show_password")} title={t("ui.show_password")} onClick={() => setShown(!shown)}>
      <Icon className="ico text-lg" />
    </button>
  );
}
