/** Dialogs that are made when they are opened. Escape, Back and the button leave them, and the focus returns. */

import { text } from "../strings/strings.js";
import { button, element, restoreCaret, svgElement } from "./dom.js";
import { closeLayer, openLayer } from "./layers.js";

/**
 * @typedef {object} Modal
 * @property {HTMLDialogElement} node
 * @property {() => void} close
 */

let lastId = 0;

/**
 * Open a dialog.
 *
 * @param {object} options
 * @param {string} options.title
 * @param {(modal: Modal) => (Node | string | null)[]} options.content
 * @param {string} [options.className]
 * @param {(modal: Modal) => void} [options.onLeave] called instead of closing the dialog when the person leaves it
 * @param {() => void} [options.onClose]
 * @returns {Modal}
 */
export function openModal({ title, content, className = "", onLeave, onClose = () => {} }) {
  const id = `modal-title-${(lastId += 1)}`;
  const node = element("dialog", { class: `modal ${className}`, "aria-labelledby": id });
  const modal = { node, close: () => node.close() };
  const leave = () => (onLeave === undefined ? modal.close() : onLeave(modal));
  const onBack = () => {
    leave();
    if (node.open) openLayer(modal.close, onBack);
  };
  const body = element("div", { class: "modal-body" });
  node.append(
    element(
      "header",
      {},
      element("h2", { id, tabindex: "-1" }, element("bdi", {}, title)),
      closeButton(text("shell.close"), leave),
    ),
    body,
  );
  body.append(...content(modal).filter((child) => child !== null));
  node.addEventListener("close", () => {
    closeLayer(modal.close);
    node.remove();
    restoreCaret();
    onClose();
  });
  // A press on the backdrop has the dialog itself as its target, which has no padding.
  node.addEventListener("click", ({ target }) => target === node && leave());
  if (onLeave !== undefined) interceptEscape(node, leave);
  document.body.append(node);
  openLayer(modal.close, onBack);
  node.showModal();
  const first =
    node.querySelector("[autofocus]") ?? node.querySelector(".modal-body input") ?? node.querySelector("h2");
  if (first instanceof HTMLElement) first.focus();
  return modal;
}

/**
 * Call back instead of closing a dialog at Escape.
 *
 * @param {HTMLDialogElement} dialog
 * @param {() => void} leave
 */
export function interceptEscape(dialog, leave) {
  // A browser may ignore a second refusal of `cancel`, but not that the key is handled. `cancel` alone comes from the
  // back gesture of a phone.
  dialog.addEventListener("keydown", (event) => {
    // A dialog above this one has its own Escape.
    const isAbove = event.target instanceof Element && event.target.closest("dialog") !== dialog;
    if (event.key !== "Escape" || event.isComposing || isAbove) return;
    event.preventDefault();
    leave();
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
}

/**
 * Ask before something that cannot be undone.
 *
 * @param {object} options
 * @param {string} options.question
 * @param {string} options.action label of the button that does it
 * @param {() => void} options.run
 */
export function confirmInModal({ question, action, run }) {
  openModal({
    title: action,
    className: "confirm",
    content: (modal) => [
      element("p", {}, element("bdi", {}, question)),
      element(
        "div",
        { class: "buttons" },
        button(text("shell.cancel"), () => modal.close(), { class: "secondary", autofocus: true }),
        button(
          action,
          () => {
            modal.close();
            run();
          },
          { class: "primary destructive" },
        ),
      ),
    ],
  });
}

/**
 * @param {string} label
 * @param {() => void} onClick
 */
export function closeButton(label, onClick) {
  const node = button("", onClick, { class: "icon-button", "aria-label": label, title: label });
  node.append(
    svgElement(
      "svg",
      { viewBox: "0 0 24 24", width: "20", height: "20", "aria-hidden": "true" },
      svgElement("path", { d: "m6 6 12 12M18 6 6 18" }),
    ),
  );
  return node;
}
