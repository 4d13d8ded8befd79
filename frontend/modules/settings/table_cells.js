/** Cells of the settings' tables: times, badges and identifiers. */

import { formatDateTime, formatFullDateTime } from "../format.js";
import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";

/**
 * @param {string | null | undefined} at RFC 3339; null or undefined: it has not happened
 * @returns {HTMLElement}
 */
export function renderTime(at) {
  if (at === null || at === undefined) return element("span", { class: "subtle" }, text("table.never"));
  return element("time", { datetime: at, title: formatFullDateTime(at) }, formatDateTime(at));
}

/**
 * @param {string} label
 * @param {"good" | "bad" | ""} [kind]
 * @returns {HTMLElement}
 */
export function renderBadge(label, kind = "") {
  return element("span", { class: `badge ${kind}` }, label);
}

/**
 * Identifiers and addresses have no spaces at which a line can break.
 *
 * @param {string} identifier
 * @returns {HTMLElement}
 */
export function renderIdentifier(identifier) {
  return element("span", { class: "identifier" }, identifier || "—");
}
