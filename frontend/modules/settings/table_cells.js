/** Cells of the settings' tables: times, badges and identifiers. */

import { element } from "../ui/dom.js";

const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const EXACT_DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/**
 * @param {string | null | undefined} text RFC 3339; null or undefined: it has not happened
 * @returns {HTMLElement}
 */
export function renderTime(text) {
  if (text === null || text === undefined) return element("span", { class: "subtle" }, "never");
  const date = new Date(text);
  return element("time", { datetime: text, title: EXACT_DATE_TIME.format(date) }, DATE_TIME.format(date));
}

/**
 * @param {string} text
 * @param {"good" | "bad" | ""} [kind]
 * @returns {HTMLElement}
 */
export function renderBadge(text, kind = "") {
  return element("span", { class: `badge ${kind}` }, text);
}

/**
 * Identifiers and addresses have no spaces at which a line can break.
 *
 * @param {string} text
 * @returns {HTMLElement}
 */
export function renderIdentifier(text) {
  return element("span", { class: "identifier" }, text || "—");
}
