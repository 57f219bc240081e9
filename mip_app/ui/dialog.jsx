import { useEffect, useRef } from "react";

// A native dialog that is open as long as the page's state says so; Escape and the backdrop ask the state to close it.
export function Dialog({ open, onClose, children, ...props }) {
  const dialog = useRef(null);
  useEffect(() => {
    if (open && !dialog.current.open) dialog.current.showModal();
    if (!open && dialog.current.open) dialog.current.close();
  }, [open]);
  return (
    <dialog ref={dialog} onClose={(event) => event.target === dialog.current && open && onClose?.()} {...props}>
      {children}
    </dialog>
  );
}

// Copies to the clipboard; where the browser gives none (plain HTTP), the text is selected for the person to copy.
export function CopyButton({ text, copied, children, ...props }) {
  const button = useRef(null);
  const copy = async () => {
    const shown = document.getElementById(props["data-of"]);
    try {
      await navigator.clipboard.writeText(text);
      button.current.textContent = copied;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(shown);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
    }
  };
  return (
    <button type="button" ref={button} onClick={copy} {...props}>
      {children}
    </button>
  );
}
