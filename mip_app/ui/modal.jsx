import { useEffect, useRef } from "react";

// A native dialog that the state opens and closes; whoever closes it in the browser tells the state.
// `rest` brings a ref of the framework's: ours stands after it.
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
    <dialog {...rest} ref={dialog} onClose={({ target }) => target === dialog.current && open && onClosed?.()}>
      {children}
    </dialog>
  );
}
