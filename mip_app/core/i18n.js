import { useCallback, useSyncExternalStore } from "react";
import { en, zh } from "./i18n_words.js";

const words = { zh, en };
const pageLanguage = { zh: "zh-CN", en: "en" };
const listeners = new Set();

export const language = () => (document.cookie.match(/mip_lang=(zh|en)/) || [])[1] || "zh";

export const setLanguage = (to) => {
  document.cookie = `mip_lang=${to};path=/;max-age=31536000;samesite=lax`;
  document.documentElement.lang = pageLanguage[to];
  listeners.forEach((listener) => listener());
};

export const otherLanguage = () => setLanguage(language() === "zh" ? "en" : "zh");

export const translate = (inLanguage, key, values) =>
  (words[inLanguage][key] ?? values?.fallback ?? key ?? "").replace(/\{(\w+)\}/g, (_, name) => values?.[name] ?? "");

const listen = (listener) => {
  document.documentElement.lang = pageLanguage[language()];
  listeners.add(listener);
  return () => listeners.delete(listener);
};

// The prerendered page is Chinese; the reader's language comes in with hydration.
export function useT() {
  const current = useSyncExternalStore(listen, language, () => "zh");
  return useCallback((key, values) => translate(current, key, values), [current]);
}
