import { useEffect } from "react";
import { restore } from "$/public/external/mip_app/sign_in/forms/kept.js";

export function Keep() {
  useEffect(restore, []);
  return null;
}
