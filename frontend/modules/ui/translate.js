/** The texts of index.html in the language of the reader: `data-text` is a content, `data-label` an accessible name. */

import { text } from "../strings/strings.js";

/** @typedef {import("../strings/strings.js").TextKey} TextKey */

/** @param {string} language */
export function translatePage(language) {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = text(/** @type {TextKey} */ (node.getAttribute("data-text")));
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    const label = text(/** @type {TextKey} */ (node.getAttribute("data-label")));
    node.setAttribute("aria-label", label);
    if (node instanceof HTMLButtonElement) node.title = label;
  }
}
