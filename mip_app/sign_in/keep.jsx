import { useEffect } from "react";

// What a refused form leaves behind in this tab: the account, never the password.
const KEPT = "mip-sign-in-account";

function check(id) {
  const box = document.getElementById(id);
  if (box.checked) return;
  box.checked = true;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

export function Keep() {
  useEffect(() => {
    const asked = new URLSearchParams(window.location.search);
    const account = document.getElementById("account");
    if (asked.get("side") === "admin") check("admin");
    if (asked.get("way") === "qr") check("way-qr");
    const kept = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    if (asked.has("error") && kept && !account.value) {
      account.value = kept;
      document.getElementById("password").focus();
    }
    const keep = () => sessionStorage.setItem(KEPT, account.value);
    account.form.addEventListener("submit", keep);
    return () => account.form?.removeEventListener("submit", keep);
  }, []);
  return null;
}
