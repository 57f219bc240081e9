import "@fontsource-variable/noto-sans-sc";
import { useEffect } from "react";

// Browsers without invoker commands (before 2025): the one thing our buttons ask for with them.
function openByButton({ target }) {
  const button = target.closest?.("button[commandfor]");
  const dialog = button && document.getElementById(button.getAttribute("commandfor"));
  if (!dialog) return;
  if (button.getAttribute("command") === "show-modal" && !dialog.open) dialog.showModal();
  if (button.getAttribute("command") === "close") dialog.close();
}

function closeMenus(except) {
  document.querySelectorAll("details.dropdown[open]").forEach((menu) => menu.contains(except) || menu.removeAttribute("open"));
}
const onPointer = ({ target }) => closeMenus(target);
const onKey = ({ key }) => key === "Escape" && closeMenus(null);

// Pictures still on their way would be asked for by a sign-in that is over.
function dropPictures() {
  document.querySelectorAll("img").forEach((picture) => picture.complete || picture.removeAttribute("src"));
}
const onSubmit = ({ target }) => target.getAttribute("action")?.startsWith("/auth/") && dropPictures();

const COOKIE_ARRIVES = 500; // ms

// What the whole tab does: starts anew when the gate says that it belongs to nobody any more, and names itself.
export function Tab({ ended, title }) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    document.addEventListener("pointerdown", onPointer);
    document.addEventListener("keydown", onKey);
    document.addEventListener("submit", onSubmit);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("submit", onSubmit);
    };
  }, []);
  useEffect(() => {
    if ("commandForElement" in HTMLButtonElement.prototype) return;
    document.addEventListener("click", openByButton);
    return () => document.removeEventListener("click", openByButton);
  }, []);
  useEffect(() => {
    if (!ended) return;
    sessionStorage.removeItem("token");
    dropPictures();
    document.documentElement.classList.add("invisible"); // what is shown is no longer anybody's to see
    if (ended === "other") window.location.reload();
    else if (ended === "pending") window.location.replace(`/welcome?next=${encodeURIComponent(window.location.pathname)}`);
    else if (ended === "too_many") window.location.replace("/login?error=sign_in.too_many_codes");
    else {
      // Another tab may be signing in anew: its cookie arrives after the news that this sign-in is over.
      const go = () => window.location.replace(`/login?next=${encodeURIComponent(window.location.pathname)}&ended=1`);
      const later = setTimeout(go, COOKIE_ARRIVES);
      return () => clearTimeout(later);
    }
  }, [ended]);
  return null;
}
