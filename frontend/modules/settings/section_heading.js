/**
 * The heading of the open section. It gets the focus when the focused element is removed: a screen reader then says
 * which section is open, and Tab continues into it.
 */

import { element } from "../ui/dom.js";

const ID = "settings-heading"; // index.html labels the section with it

/**
 * @param {string} label
 * @returns {HTMLElement}
 */
export function renderSectionHeading(label) {
  return element("h3", { id: ID, tabindex: "-1" }, label);
}

/** Does nothing if the settings were closed before the answer arrived. */
export function focusSectionHeading() {
  document.getElementById(ID)?.focus();
}
