/** The error or the success of an action in a dialog or a panel, below its header. */

import { messageOf } from "../error_text.js";
import { StaleRequest } from "../net/session/session.js";
import { element } from "../ui/dom.js";

/**
 * @param {HTMLElement} container that has a `.modal-body`, or is the place itself
 * @param {unknown} error
 */
export function showError(container, error) {
  if (!(error instanceof Error)) throw error;
  if (error instanceof StaleRequest) return;
  showMessage(container, messageOf(error), "error");
}

/**
 * @param {HTMLElement} container
 * @param {string} message
 * @returns {HTMLElement} the notice
 */
export function showNotice(container, message) {
  return showMessage(container, message, "notice good");
}

/**
 * @param {HTMLElement} container
 * @param {string} message
 * @param {string} kind
 * @returns {HTMLElement}
 */
function showMessage(container, message, kind) {
  const place = container.querySelector(".modal-body") ?? container;
  place.querySelector(":scope > .dialog-message")?.remove();
  const role = kind === "error" ? "alert" : "status";
  const node = element("p", { class: `dialog-message ${kind}`, role });
  const header = place.querySelector(":scope > header");
  if (header === null) place.prepend(node);
  else header.after(node);
  node.append(element("bdi", {}, message)); // after it is in the page: a screen reader speaks changes
  return node;
}
