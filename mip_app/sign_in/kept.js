// What the address of the sign-in page and a refused form say: the side, the way, the account; never the password.
const KEPT = "mip-sign-in-account";

function check(id) {
  const box = document.getElementById(id);
  if (box.checked) return;
  box.checked = true;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Once before hydration, so that nothing is lost to who is quick, and once after it. */
export function restore() {
  const asked = new URLSearchParams(window.location.search);
  const account = document.getElementById("account");
  if (asked.get("side") === "admin") check("admin");
  if (asked.get("way") === "qr") check("way-qr");
  const kept = sessionStorage.getItem(KEPT);
  if (!asked.has("error")) sessionStorage.removeItem(KEPT);
  else if (kept && !account.value) {
    account.value = kept;
    document.getElementById("password").focus();
  }
  const keep = () => sessionStorage.setItem(KEPT, account.value);
  account.form.addEventListener("submit", keep);
  return () => account.form?.removeEventListener("submit", keep);
}
