import { useState } from "react";
import { Check, Copy } from "lucide-react";

function byHand(text, near) {
  // Inside the dialog: what lies below a modal one cannot be selected.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr-only";
  near.after(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  near.focus();
  return copied;
}

export function CopyButton({ text, label, done, id }) {
  const [copied, setCopied] = useState("");
  const copy = async ({ currentTarget }) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (!byHand(text, currentTarget)) return;
    }
    setCopied(text);
  };
  const same = copied === text;
  const Icon = same ? Check : Copy;
  return (
    <button type="button" id={id} className="btn btn-sm" onClick={copy} aria-live="polite">
      <Icon className="ico" aria-hidden="true" />
      {same ? done : label}
    </button>
  );
}
