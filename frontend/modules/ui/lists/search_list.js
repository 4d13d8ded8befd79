/**
 * A list with a search box: it loads while the person types, page by page. Answers to earlier letters are discarded.
 * Nothing is replaced while it is pressed.
 */

import { messageOf } from "../../error_text.js";
import { text } from "../../strings/strings.js";
import { button, element } from "../dom.js";
import { PointerPress } from "./pointer_press.js";

/**
 * @template Item
 * @typedef {object} SearchListRow
 * @property {(item: Item) => void} update shows the changed item in place
 */

/**
 * @template Item
 * @typedef {object} SearchListOptions
 * @property {string} label of the search box
 * @property {string} listLabel of the list, for screen readers
 * @property {string} empty shown if nothing is found
 * @property {string} [prompt] shown instead while the search box is empty
 * @property {(query: string, cursor: string | null) => Promise<{items: Item[], next: string | null}>} load
 * @property {(item: Item, row: SearchListRow<Item>) => (Node | string | null)[]} renderItem content of a row
 * @property {import("../../clock.js").Clock} clock
 * @property {boolean} [hasSearch] default: true
 */

const DELAY_MS = 150;
let lastId = 0;

/** @template Item */
export class SearchList {
  #options;
  #input;
  #list;
  #status;
  #more;
  #retry;
  #press;
  /** What failed, if it did: the first page or a later one. @type {string | null} */
  #failedCursor = null;
  #generation = 0;
  /** @type {string | null} */
  #next = null;
  #cancelTimer = () => {};

  /** @param {SearchListOptions<Item>} options */
  constructor(options) {
    this.#options = options;
    const id = `search-${(lastId += 1)}`;
    this.#input = element("input", { id, type: "search", autocomplete: "off", spellcheck: "false" });
    this.#list = element("ul", { class: "search-list", "aria-label": options.listLabel });
    this.#status = element("p", { class: "hint", role: "status" });
    this.#more = button(text("shell.load_more"), () => this.#loadAndFocus(this.#next), {
      class: "secondary",
      hidden: true,
    });
    const tryAgain = () => this.#loadAndFocus(this.#failedCursor);
    this.#retry = button(text("table.try_again"), tryAgain, { class: "secondary", hidden: true });
    const search =
      options.hasSearch === false
        ? null
        : element("div", { class: "field" }, element("label", { for: id }, options.label), this.#input);
    this.node = element("div", { class: "search" }, search, this.#list, this.#status, this.#more, this.#retry);
    this.#press = new PointerPress(this.node, options.clock);
    this.#input.addEventListener("input", () => {
      this.#cancelTimer();
      this.#cancelTimer = options.clock.schedule(DELAY_MS, () => this.reload());
    });
    this.reload();
  }

  /** Load the first page again. What is shown stays until the answer is here. */
  async reload() {
    await this.#load(null);
  }

  /** Empty the search box, and put the focus there. */
  clear() {
    this.#input.value = "";
    this.#input.focus();
    this.reload();
  }

  /**
   * Load a page after a press on a button, which is hidden then: the focus moves to the first new row.
   *
   * @param {string | null} cursor
   */
  async #loadAndFocus(cursor) {
    const count = cursor === null ? 0 : this.#list.childElementCount;
    await this.#load(cursor);
    const first = this.#list.children[count]?.querySelector("button, a") ?? this.#input;
    const target = this.#retry.hidden ? first : this.#retry;
    if (target instanceof HTMLElement) target.focus();
  }

  /** @param {string | null} cursor */
  async #load(cursor) {
    const generation = (this.#generation += 1);
    if (this.#list.childElementCount === 0) this.#status.textContent = text("shell.loading");
    try {
      const { items, next } = await this.#options.load(this.#input.value.trim(), cursor);
      await this.#press.ended();
      if (generation !== this.#generation) return;
      const rows = items.map((item) => this.#renderRow(item));
      if (cursor === null) keepFocusInList(this.#list, () => this.#list.replaceChildren(...rows));
      else this.#list.append(...rows);
      this.#next = next;
      this.#more.hidden = next === null;
      this.#retry.hidden = true;
      this.#status.textContent = this.#list.childElementCount === 0 ? this.#emptyText() : "";
    } catch (error) {
      if (generation !== this.#generation || !(error instanceof Error)) return;
      this.#status.textContent = messageOf(error);
      this.#failedCursor = cursor;
      this.#retry.hidden = false;
      this.#more.hidden = true; // "Try again" loads the same page
    }
  }

  #emptyText() {
    const { empty, prompt = empty } = this.#options;
    return this.#input.value.trim() === "" ? prompt : empty;
  }

  /** @param {Item} item */
  #renderRow(item) {
    const node = element("li");
    const row = { update: (/** @type {Item} */ changed) => keepFocusInList(this.#list, () => fill(changed)) };
    /** @param {Item} content */
    const fill = (content) =>
      node.replaceChildren(...this.#options.renderItem(content, row).filter((child) => child !== null));
    fill(item);
    return node;
  }
}

/**
 * A change replaces the pressed button. The focus moves to the last button of the row in the same place.
 *
 * @param {HTMLElement} list
 * @param {() => void} change
 */
function keepFocusInList(list, change) {
  const index = [...list.children].findIndex((row) => row.contains(document.activeElement));
  change();
  if (index < 0) return;
  const row = list.children[Math.min(index, list.childElementCount - 1)];
  const target = [...(row?.querySelectorAll("button") ?? [])].findLast((node) => node.closest("[popover]") === null);
  target?.focus();
}
