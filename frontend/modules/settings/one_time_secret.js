/** A secret that the server tells once: shown, to be copied, until the person says that it is kept. */

import { button, element } from "../dom.js";
import { focusHeading } from "./heading.js";

/**
 * @param {object} options
 * @param {string} options.title
 * @param {string} options.lead what it is for and where to keep it
 * @param {string[]} options.lines the secret; several of them are a list
 * @param {string} [options.done] label of the button that takes it away
 * @param {() => void} [options.onDone]
 * @returns {HTMLElement} goes away by itself; focus it when it is in the page
 */
export function shownOnce({ title, lead, lines, done = "Done", onDone = () => {} }) {
  const secret = lines.length === 1
    ? element("p", { class: "secret" }, element("code", { "data-testid": "secret" }, lines[0]))
    : element("ol", { class: "secret many" }, ...lines.map((line) => element("li", {}, element("code", { "data-testid": "secret" }, line))));
  const note = element("p", { class: "advice", role: "status" });
  const box = element("div", { class: "once", role: "group", "aria-label": title, tabindex: "-1" },
    element("h4", {}, title),
    element("p", {}, lead),
    secret,
    element("div", { class: "buttons" },
      copyButton(lines.join("\n"), secret, note),
      button(done, () => {
        box.remove();
        onDone();
        focusHeading();
      }, { class: "plain" })),
    note);
  return box;
}

/**
 * @param {string} text
 * @param {Node} shown where the text stands, should it have to be copied by hand
 * @param {HTMLElement} note role=status
 */
export function copyButton(text, shown, note) {
  return button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(text);
      note.textContent = "Copied.";
    } catch {
      // No clipboard without https, or not allowed: marking it leaves one key to press.
      getSelection()?.selectAllChildren(shown);
      note.textContent = "Marked. Press Ctrl+C or ⌘C to copy it.";
    }
  }, { class: "plain" });
}
