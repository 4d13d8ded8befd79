/**
 * The heading of the open section, where the focus goes when what had it is gone: a screen reader says
 * where one is, and Tab goes on into the section.
 */

import { element } from "../dom.js";

const ID = "settings-heading"; // index.html names the section by it

/** @param {string} label */
export function drawHeading(label) {
  return element("h3", { id: ID, tabindex: "-1" }, label);
}

/** Does nothing once the settings are closed: an answer may come later than that. */
export function focusHeading() {
  document.getElementById(ID)?.focus();
}
