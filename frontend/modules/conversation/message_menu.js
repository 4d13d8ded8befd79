/** The menu of one message: when it was sent, who reacted, and what can be done with it. */

import { formatFullDateTime } from "../format.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { confirmInModal } from "../ui/modal.js";
import { whoReacted } from "./reactions.js";

const MARGIN_PX = 8;

/**
 * Open the menu. It closes by Escape, by a press beside it, and after an action.
 *
 * @param {object} options
 * @param {import("../chat/message_reducer.js").Message} options.message
 * @param {import("./message_actions.js").Action[]} options.actions
 * @param {import("./people.js").People} options.people
 * @param {HTMLElement} options.anchor where it opens, and what gets the focus back
 */
export function openMessageMenu({ message, actions, people, anchor }) {
  const menu = element("div", {
    popover: "auto",
    class: "message-menu",
    role: "dialog",
    "aria-label": text("conversation.menu"),
  });
  const items = actions.map((action) => renderItem(action, anchor, () => menu.hidePopover()));
  const list = element("div", { role: "menu", "aria-label": text("conversation.menu") }, ...items);
  const times = element("p", { class: "menu-note" }, formatFullDateTime(message.at));
  const reactions = message.reactions.map((reaction) =>
    element("p", { class: "menu-note" }, `${reaction.emoji} `, element("bdi", {}, whoReacted(reaction, people))),
  );
  menu.append(times, ...reactions, list);
  list.addEventListener("keydown", (event) => moveFocus(event, items));
  menu.addEventListener("toggle", (event) => {
    if (event instanceof ToggleEvent && event.newState === "closed") menu.remove();
  });
  document.body.append(menu);
  menu.showPopover();
  place(menu, anchor);
  items.at(0)?.focus();
}

/**
 * @param {import("./message_actions.js").Action} action
 * @param {HTMLElement} anchor
 * @param {() => void} close
 */
function renderItem({ name, label, question, run }, anchor, close) {
  const act = () => {
    close(); // gives the focus back to the anchor: the action may move it on
    if (anchor.isConnected) anchor.focus({ preventScroll: true });
    run(anchor);
  };
  const attributes = {
    role: "menuitem",
    tabindex: "-1",
    class: name === "delete" ? "destructive" : null,
    "data-action": name,
  };
  const ask = () => {
    close();
    confirmInModal({ question: question ?? "", action: label, run: act });
  };
  return button(label, question === null ? act : ask, attributes);
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLButtonElement[]} items
 */
function moveFocus(event, items) {
  const index = items.findIndex((item) => item === document.activeElement);
  const target = new Map([
    ["ArrowDown", (index + 1) % items.length],
    ["ArrowUp", (index - 1 + items.length) % items.length],
    ["Home", 0],
    ["End", items.length - 1],
  ]).get(event.key);
  if (target === undefined) return;
  event.preventDefault();
  items[target].focus();
}

/**
 * On a phone the style sheet places it at the bottom edge.
 *
 * @param {HTMLElement} menu
 * @param {HTMLElement} anchor
 */
function place(menu, anchor) {
  const { right, left, top, bottom } = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const x = (left + right) / 2 > innerWidth / 2 ? right - width : left;
  const y = bottom + height + MARGIN_PX <= innerHeight ? bottom + MARGIN_PX / 2 : top - height - MARGIN_PX / 2;
  const clamp = (/** @type {number} */ value, /** @type {number} */ max) =>
    Math.max(MARGIN_PX, Math.min(value, max - MARGIN_PX));
  menu.style.setProperty("--x", `${clamp(x, innerWidth - width)}px`);
  menu.style.setProperty("--y", `${clamp(y, innerHeight - height)}px`);
}
