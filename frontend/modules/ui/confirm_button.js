/** A button for an action that cannot be undone: the first press asks for confirmation, the second one acts. */

import { button } from "./dom.js";

/**
 * Make a button that always asks for confirmation.
 *
 * @param {string} label
 * @param {string} question label of the button after the first press
 * @param {() => void} run
 * @returns {HTMLButtonElement}
 */
export function confirmButton(label, question, run) {
  const node = button(label, () => {}, { class: "secondary", "aria-live": "polite" });
  requireConfirmation(node, () => question, run);
  return node;
}

/**
 * Make a button ask for confirmation.
 *
 * @param {HTMLButtonElement} node
 * @param {() => string | null} question its label after the first press; null: nothing to confirm, the first press acts
 * @param {() => void} run
 */
export function requireConfirmation(node, question, run) {
  const label = node.textContent;
  let asked = false;

  function reset() {
    asked = false;
    node.textContent = label;
    node.classList.remove("danger");
  }

  node.addEventListener("blur", reset); // leaving the button means no
  node.addEventListener("click", ({ detail }) => {
    if (asked && detail > 1) return; // the second half of a double click: the person has not read the question
    const text = asked ? null : question();
    if (text === null) {
      reset();
      run();
      return;
    }
    asked = true;
    node.textContent = text;
    node.classList.add("danger");
    node.focus(); // not every browser focuses a clicked button, and without the focus there is no blur
  });
}
