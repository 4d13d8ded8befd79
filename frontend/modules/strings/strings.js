/**
 * The texts of the page in the language of the reader: one folder per language, with the same keys. English is loaded
 * with the parts of the page, other languages on demand. A text may have `{placeholders}`, and forms for different counts.
 *
 * @typedef {string | {one: string, other: string}} Text with two forms, `count` selects one of them
 * @typedef {Record<string, Text>} Texts
 * @typedef {keyof typeof en | keyof typeof import("./en/account.js").account |
 *   keyof typeof import("./en/administration.js").administration} TextKey
 * @typedef {{name: string, load(): Promise<Texts>}} Language `name` in the language itself
 */

import { en } from "./en/index.js";

/**
 * To add a language, translate the modules of `en/` in a folder of its own, and add it here.
 *
 * @type {Record<string, Language>}
 */
export const LANGUAGES = {
  en: { name: "English", load: async () => english },
  de: { name: "Deutsch", load: async () => (await import("./de/index.js")).de },
};
const DEFAULT_LANGUAGE = "en";

/** In English, what is loaded until now. @type {Texts} */
const english = { ...en };
/** @type {Texts} */
let current = english;
let language = DEFAULT_LANGUAGE;
let regional = DEFAULT_LANGUAGE;
let plurals = new Intl.PluralRules(DEFAULT_LANGUAGE);

/**
 * Use the first language that the page has. Call it before anything is rendered.
 *
 * @param {readonly string[]} preferred for example `navigator.languages`
 * @returns {Promise<string>} the language that is used
 */
export async function useLanguage(preferred) {
  const known = preferred.filter((tag) => Object.hasOwn(LANGUAGES, languageOf(tag)));
  language = languageOf(known[0] ?? DEFAULT_LANGUAGE);
  // A choice of the person has no region: take that of the browser, so that "en" in Britain has British dates.
  regional = known.find((tag) => tag.length > language.length && languageOf(tag) === language) ?? language;
  current = await LANGUAGES[language].load();
  plurals = new Intl.PluralRules(language);
  return language;
}

/**
 * Add the English texts of a part of the page that is loaded on demand.
 *
 * @param {Texts} texts
 */
export function addEnglish(texts) {
  Object.assign(english, texts);
}

/** @returns {string} the language of the page, for example "de" */
export function pageLanguage() {
  return language;
}

/** @returns {string} the language of the page with its region, for dates and numbers, for example "de-AT" */
export function pageLocale() {
  return regional;
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
  const found = current[key] ?? english[key];
  const form = typeof found === "string" ? found : plural(found, Number(values.count));
  return form.replace(/\{(\w+)\}/gu, (placeholder, name) => String(values[name] ?? placeholder));
}

/**
 * Return a text with elements in the place of placeholders.
 *
 * @template Part
 * @param {TextKey} key
 * @param {Record<string, Part>} parts by the name of the placeholder
 * @returns {(string | Part)[]}
 */
export function textWith(key, parts) {
  return text(key)
    .split(/\{(\w+)\}/u)
    .map((piece, index) => (index % 2 === 1 && piece in parts ? parts[piece] : piece));
}

/**
 * @param {string} key
 * @returns {key is TextKey} whether there is such a text, for keys that are made from a code of the server
 */
export function isTextKey(key) {
  return Object.hasOwn(english, key);
}

/** @param {string} tag for example "de-AT" */
function languageOf(tag) {
  return tag.split("-")[0].toLowerCase();
}

/**
 * @param {{one: string, other: string}} forms
 * @param {number} count
 */
function plural(forms, count) {
  return plurals.select(count) === "one" ? forms.one : forms.other;
}
