import "@fontsource-variable/noto-sans-sc";
import { useEffect } from "react";

// What the whole tab does: starts anew when the gate says that it belongs to nobody any more, and names itself.
export function Tab({ ended, title }) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (!ended) return;
    sessionStorage.removeItem("token");
    document.documentElement.classList.add("invisible"); // what is shown is no longer anybody's to see
    if (ended === "other") window.location.reload();
    else window.location.replace(`/login?next=${encodeURIComponent(window.location.pathname)}&ended=1`);
  }, [ended]);
  return null;
}
