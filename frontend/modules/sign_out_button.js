/** The way out. Where it would lose something, the first press only asks, as for all that can't be taken back. */

import { byId } from "./dom.js";

/** @param {{unsent(): number, leave(): void}} actions */
export function offerSignOut({ unsent, leave }) {
  const node = byId("log-out");
  const label = node.textContent;
  let asked = false;

  function ask(count) {
    asked = true;
    node.textContent = `Lose ${count} unsent ${count === 1 ? "message" : "messages"}?`;
    node.classList.add("danger");
    node.focus(); // not every browser does so on a click, and leaving it is the way out
  }

  function settle() {
    asked = false;
    node.textContent = label;
    node.classList.remove("danger");
  }

  node.addEventListener("blur", settle);
  node.addEventListener("click", ({ detail }) => {
    if (asked && detail > 1) return; // the second half of a double-click was not asked yet
    if (!asked && unsent() > 0) return ask(unsent());
    settle();
    leave();
  });
}
