/** A button for what can't be taken back: the first press asks, the second one does it. */

import { button } from "../dom.js";

/**
 * @param {string} label
 * @param {string} question what the button says once it was pressed
 * @param {() => void} run
 * @param {Record<string, string>} [attributes]
 */
export function askingButton(label, question, run, attributes = {}) {
  let asked = false;
  const node = button(label, ({ detail }) => {
    // The second half of a double click has not read the question.
    if (asked && detail > 1) return;
    if (asked) return settle(run);
    asked = true;
    node.textContent = question;
    node.classList.add("danger");
    node.focus(); // not every browser does so on a click, and leaving it is the way out
  }, { class: "plain", "aria-live": "polite", ...attributes });
  node.addEventListener("blur", () => settle());

  function settle(then = () => {}) {
    asked = false;
    node.textContent = label;
    node.classList.remove("danger");
    then();
  }

  return node;
}
