/** A secret that the server sends only once: shown, for copying, until the person confirms that it is saved. */

import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { focusSectionHeading } from "./section_heading.js";

/**
 * @typedef {object} SecretOptions
 * @property {string} title
 * @property {string} lead what it is for and where to keep it
 * @property {string[]} lines the secret; several lines are shown as a list
 * @property {string} [warning] why it may not work where it is used
 * @property {string} [done] label of the button that removes it
 * @property {() => void} [onDone]
 */

const UNSAVED_CLASS = "one-time-secret";

/**
 * Remove what a dialog shows, after a question if that would lose a secret.
 *
 * @param {ParentNode} container
 * @param {() => void} leave
 */
export function leaveSecrets(container, leave) {
  const secret = findUnsavedSecret(container);
  if (secret === null) leave();
  else askBeforeDiscarding(secret, leave);
}

/**
 * Return a secret that the person has not confirmed as saved.
 *
 * @param {ParentNode} container
 * @returns {HTMLElement | null}
 */
function findUnsavedSecret(container) {
  return container.querySelector(`.${UNSAVED_CLASS}`);
}

/**
 * The question stands above the secret, which stays visible.
 *
 * @param {HTMLElement} secret
 * @param {() => void} onDiscard
 */
function askBeforeDiscarding(secret, onDiscard) {
  secret.querySelector("[role=alertdialog]")?.remove();
  const question = element("p", { id: "discard-question" }, text("secret.question"));
  const keep = button(text("secret.keep"), () => {
    box.remove();
    secret.focus();
  });
  const box = element(
    "div",
    { class: "notice", role: "alertdialog", "aria-labelledby": "discard-question" },
    question,
    element("div", { class: "buttons" }, keep, button(text("secret.discard"), onDiscard, { class: "secondary" })),
  );
  secret.prepend(box);
  box.scrollIntoView({ block: "nearest" });
  keep.focus();
}

/**
 * @param {SecretOptions} options
 * @returns {HTMLElement} removes itself; focus it once it is in the page
 */
export function renderOneTimeSecret({ title, lead, lines, warning, done = text("secret.done"), onDone = () => {} }) {
  window.addEventListener("beforeunload", askBeforeUnload);
  const codes = lines.map((line) => element("code", { "data-testid": "secret" }, line));
  const secret =
    codes.length === 1
      ? element("p", { class: "secret-value" }, codes[0])
      : element("ol", { class: "secret-value secret-list" }, ...codes.map((code) => element("li", {}, code)));
  const note = element("p", { class: "hint", role: "status" });
  const box = element(
    "div",
    { class: UNSAVED_CLASS, role: "group", "aria-label": title, tabindex: "-1" },
    element("p", {}, element("strong", {}, title)), // the name of the group: dialogs have headings of different levels
    element("p", {}, lead),
    secret,
    warning === undefined ? null : element("p", { class: "secret-warning" }, warning),
    element(
      "div",
      { class: "buttons" },
      copyButton(lines.join("\n"), secret, note),
      button(
        done,
        () => {
          box.remove();
          onDone();
          focusSectionHeading();
        },
        { class: "secondary" },
      ),
    ),
    note,
  );
  return box;
}

/**
 * A reload: the browser asks, in its own words.
 *
 * @param {BeforeUnloadEvent} event
 */
function askBeforeUnload(event) {
  if (findUnsavedSecret(document) !== null) event.preventDefault();
}

/** The place in a section where its one-time secrets appear. */
export class SecretOutput {
  node = element("div", { class: "secret-output" });

  /**
   * Show a secret above earlier ones that are not confirmed yet.
   *
   * @param {SecretOptions} options
   */
  show(options) {
    const box = renderOneTimeSecret(options);
    this.node.prepend(box);
    box.focus();
    box.scrollIntoView({ block: "nearest" });
  }
}

/**
 * @param {string} content
 * @param {Node} source selected if the text has to be copied by hand
 * @param {HTMLElement} note role=status
 * @returns {HTMLButtonElement}
 */
export function copyButton(content, source, note) {
  return button(
    text("secret.copy"),
    async () => {
      try {
        await navigator.clipboard.writeText(content);
        note.textContent = text("secret.copied");
      } catch {
        // There is no clipboard without https, or it is not allowed: with the text selected, one key copies it.
        getSelection()?.selectAllChildren(source);
        note.textContent = text("secret.selected");
      }
    },
    { class: "secondary" },
  );
}
