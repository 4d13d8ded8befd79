/**
 * The texts of the page in the language of the reader: one module per language, with the same keys. English is loaded
 * with the page, other languages on demand. A text may have `{placeholders}`, and forms for different counts.
 *
 * @typedef {string | {one: string, other: string}} Text with two forms, `count` selects one of them
 * @typedef {Record<string, Text>} Texts
 * @typedef {keyof typeof en} TextKey
 */

import { en } from "./en.js";

export const LANGUAGES = /** @type {const} */ (["en", "de"]);

/** @type {Texts} */
let current = en;
let plurals = new Intl.PluralRules("en");

/**
 * Use the first language that the page has. Call it before anything is rendered.
 *
 * @param {readonly string[]} preferred for example `navigator.languages`
 * @returns {Promise<string>} the language that is used
 */
export async function useLanguage(preferred) {
  const language = preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find(isKnown) ?? "en";
  if (language === "de") current = (await import("./de.js")).de;
  else current = en;
  plurals = new Intl.PluralRules(language);
  return language;
}

/**
 * Return a text.
 *
 * @param {TextKey} key
 * @param {Record<string, string | number>} [values] of the placeholders
 * @returns {string}
 */
export function text(key, values = {}) {
  /** @type {Text} */
  const found = current[key] ?? en[key];
  const form = typeof found === "string" ? found : plural(found, Number(values.count));
  return form.replace(/\{(\w+)\}/gu, (placeholder, name) => String(values[name] ?? placeholder));
}

/** @param {string} tag */
function isKnown(tag) {
  return LANGUAGES.some((language) => language === tag);
}

/**
 * @param {{one: string, other: string}} forms
 * @param {number} count
 */
function plural(forms, count) {
  return plurals.select(count) === "one" ? forms.one : forms.other;
}
