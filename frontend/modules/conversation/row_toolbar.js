/**
 * The keyboard and the actions of the messages. One toolbar serves all: it is in the row under the pointer, or in the one
 * that has the focus. The list is one stop of the Tab key; arrow keys move between messages, Enter opens the menu, Escape
 * returns to the composer, and what is typed goes there.
 */

import { text } from "../strings/strings.js";
import { byId, element, svgElement } from "../ui/dom.js";
import { openMessageMenu } from "./message_menu.js";

/** @typedef {"react" | "reply" | "more"} ButtonName */

/** @type {Record<ButtonName, string>} */
const ICONS = {
  react: "M12 3a9 9 0 1 0 9 9M8.5 14c.8 1.3 2 2 3.5 2s2.7-.7 3.5-2M9 9.5v.01M15 9.5v.01M19 2v6M16 5h6",
  reply: "M10 5 4 11l6 6M4 11h9c4 0 7 2 7 7",
  more: "M5 12h.01M12 12h.01M19 12h.01",
};

/** Between the toolbar of an own message and its bubble. */
const GAP_PX = 6;

export class RowToolbar {
  #list = byId("messages");
  #pane = byId("conversation");
  #toolbar = element("div", { role: "toolbar", class: "row-toolbar", "aria-label": text("conversation.menu") });
  /** Key of the message that has the focus, or had it last. */
  #activeKey = "";
  /** Key of the message that has the toolbar. */
  #shownKey = "";
  #messages;
  #actions;
  #focusComposer;

  /**
   * @param {object} options
   * @param {import("./message_list.js").MessageList} options.messages
   * @param {import("./message_actions.js").MessageActions} options.actions
   * @param {() => void} options.focusComposer
   * @param {AbortSignal} options.signal
   */
  constructor({ messages, actions, focusComposer, signal }) {
    this.#messages = messages;
    this.#actions = actions;
    this.#focusComposer = focusComposer;
    this.#list.addEventListener("pointerover", (event) => this.#onPointer(event), { signal });
    this.#list.addEventListener("pointerleave", () => this.#onLeave(), { signal });
    this.#list.addEventListener("focusin", (event) => this.#onFocus(event), { signal });
    this.#list.addEventListener("focusout", (event) => this.#onBlur(event), { signal });
    this.#list.addEventListener("contextmenu", (event) => this.#onContextMenu(event), { signal });
    this.#pane.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    signal.addEventListener("abort", () => this.#toolbar.remove());
  }

  /** The rows have changed: the toolbar follows its message, and one message can get the focus by the Tab key. */
  refresh() {
    const active = this.#messages.nodeOf(this.#activeKey) ?? this.#messages.nodeOf(this.#messages.newestKey ?? "");
    for (const node of this.#list.querySelectorAll('.message[tabindex="0"]')) {
      if (node !== active) node.setAttribute("tabindex", "-1");
    }
    active?.setAttribute("tabindex", "0");
    if (this.#shownKey !== "" && this.#messages.nodeOf(this.#shownKey)?.contains(this.#toolbar) !== true) {
      const hadFocus = this.#toolbar.contains(document.activeElement);
      this.#show(this.#messages.nodeOf(this.#shownKey));
      if (hadFocus) this.#focusRow();
    }
  }

  // -- Pointer and focus --

  /** @param {PointerEvent} event */
  #onPointer({ target, pointerType }) {
    if (pointerType !== "mouse" || !(target instanceof Element) || this.#toolbar.contains(document.activeElement)) {
      return;
    }
    const row = target.closest(".message");
    if (row instanceof HTMLElement && !row.contains(this.#toolbar)) this.#show(row);
  }

  /** @param {FocusEvent} event from the composer, Shift + Tab goes to the newest message again */
  #onBlur({ relatedTarget }) {
    if (relatedTarget instanceof Element && relatedTarget.closest("#composer") !== null) {
      this.#activeKey = "";
      this.refresh();
    }
    this.#onLeave();
  }

  #onLeave() {
    requestAnimationFrame(() => {
      if (this.#list.matches(":hover") && this.#toolbar.closest(".message")?.matches(":hover")) return;
      const focused = document.activeElement?.closest(".message");
      if (focused instanceof HTMLElement && this.#list.contains(focused)) this.#show(focused);
      else this.#show(null);
    });
  }

  /** @param {FocusEvent} event */
  #onFocus({ target }) {
    const row = target instanceof Element ? target.closest(".message") : null;
    const message = row === null ? null : this.#messages.messageOf(row);
    if (!(row instanceof HTMLElement) || message === null) return;
    this.#activeKey = message.key;
    if (!this.#toolbar.contains(/** @type {Node} */ (target))) this.#show(row);
    this.refresh();
  }

  /** @param {HTMLElement | null} row */
  #show(row) {
    const message = row === null ? null : this.#messages.messageOf(row);
    this.#shownKey = message?.key ?? "";
    if (row === null || message === null) {
      this.#toolbar.remove();
      return;
    }
    const names = new Set(this.#actions.of(message).map(({ name }) => name));
    const shown = /** @type {ButtonName[]} */ (["react", "reply"]).filter((name) =>
      names.has(/** @type {"react"} */ (name)),
    );
    // A toolbar under a resting mouse is no stop of the Tab key.
    const isStop = row.contains(document.activeElement);
    this.#toolbar.replaceChildren(
      ...[...shown, /** @type {const} */ ("more")].map((name) => this.#button(name, isStop)),
    );
    row.append(this.#toolbar);
    this.#place(row);
  }

  /**
   * Place the toolbar where its row is empty, so that it hides nothing: messages of others leave the right side free. An
   * own message leaves the left side free, where the toolbar is beside the bubble and its time.
   *
   * @param {HTMLElement} row
   */
  #place(row) {
    const { top, right, width, height } = row.getBoundingClientRect();
    // Of a message whose beginning is above the screen, the toolbar is at the upper edge of the screen.
    const hidden = byId("timeline").getBoundingClientRect().top - top;
    this.#toolbar.style.setProperty("--hidden", `${Math.max(0, Math.min(hidden, height))}px`);
    const parts = row.classList.contains("own") ? row.querySelectorAll(".message-body, .byline") : [];
    const lefts = Array.from(parts, (part) => part.getBoundingClientRect().left);
    const beside = lefts.length === 0 ? 0 : right - Math.min(...lefts) + GAP_PX;
    const bound = width - this.#toolbar.offsetWidth;
    this.#toolbar.style.setProperty("--beside", `${Math.max(0, Math.min(beside, bound))}px`);
  }

  /**
   * @param {ButtonName} name
   * @param {boolean} isStop
   */
  #button(name, isStop) {
    const label = text(`conversation.action_${name}`);
    const icon = svgElement("svg", { viewBox: "0 0 24 24", width: "18", height: "18", "aria-hidden": "true" });
    // Dots are as thin as a line and much lighter than one.
    icon.append(svgElement("path", { d: ICONS[name], "stroke-width": name === "more" ? "3.5" : "1.8" }));
    const attributes = {
      type: "button",
      class: "icon-button small",
      "aria-label": label,
      title: label,
      "data-action": name,
      tabindex: isStop ? "0" : "-1",
    };
    const node = element("button", { ...attributes, "aria-haspopup": name === "reply" ? null : "menu" }, icon);
    node.addEventListener("click", () => this.#press(name, node));
    return node;
  }

  /**
   * @param {ButtonName} name
   * @param {HTMLElement} pressed
   */
  #press(name, pressed) {
    const message = this.#messages.messageOf(pressed);
    if (message === null) return;
    if (name === "more") this.#openMenu(message, pressed);
    else {
      this.#actions
        .of(message)
        .find((action) => action.name === name)
        ?.run(pressed);
    }
  }

  /**
   * @param {import("../chat/message_reducer.js").Message} message
   * @param {HTMLElement} anchor
   */
  #openMenu(message, anchor) {
    openMessageMenu({ message, anchor, actions: this.#actions.of(message), people: this.#messages.people });
  }

  /** @param {MouseEvent} event a right click keeps the browser's menu; the keyboard has no other way to this one */
  #onContextMenu(event) {
    const isByKeyboard = event instanceof PointerEvent && event.pointerType === "";
    const row = event.target instanceof Element ? event.target.closest(".message") : null;
    const message = row === null ? null : this.#messages.messageOf(row);
    if (!isByKeyboard || event.target !== row || !(row instanceof HTMLElement) || message === null) return;
    event.preventDefault();
    this.#openMenu(message, row);
  }

  // -- Keyboard --

  #focusRow() {
    this.#messages.nodeOf(this.#shownKey)?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { target, key } = event;
    if (!(target instanceof Element)) return;
    const row = target.closest(".message");
    const message = row === null ? null : this.#messages.messageOf(row);
    const isRow = target === row;
    if (key === "Escape") this.#focusComposer();
    else if (message !== null && isRow && (key === "ArrowUp" || key === "ArrowDown")) {
      this.#messages.focusNeighbour(message.key, key === "ArrowDown" ? 1 : -1);
    } else if (message !== null && isRow && key === "Enter" && row instanceof HTMLElement) this.#openMenu(message, row);
    else if (isTyping(event)) {
      this.#focusComposer(); // the browser inserts the character there
      return;
    } else return;
    event.preventDefault();
  }
}

/** @param {KeyboardEvent} event */
function isTyping({ key, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey) return key.toLowerCase() === "v" && !altKey;
  return Array.from(key).length === 1 && key !== " " && !altKey;
}
