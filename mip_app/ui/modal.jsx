import { useEffect, useRef } from "react";

// A native dialog that the state opens and closes; whoever closes it in the browser tells the state.
export function Modal({ open, fault, onClosed, children, ...rest }) {
  const dialog = useRef(null);
  useEffect(() => {
    const element = dialog.current;
    if (open && !element.open) element.showModal();
    if (!open && element.open) element.close();
  }, [open]);
  useEffect(() => {
    if (fault) dialog.current.querySelector('[aria-invalid="true"]')?.focus();
  }, [fault]);
  return (
    <dialog ref={dialog} onClose={({ target }) => target === dialog.current && open && onClosed?.()} {...rest}>
      {children}
    </dialog>
  );
}
