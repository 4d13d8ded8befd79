/**
 * A grid of emoji for mouse, touch and keyboard: one stop of the Tab key, and arrow keys inside of it
 * (ARIA Authoring Practices, grid).
 */

import { element } from "../ui/dom.js";

/** As in the style sheet: a finger needs wider cells. */
const COLUMNS = 8;
const COARSE_COLUMNS = 6;

/** @typedef {{emoji: string, name: string}} Cell */

export class EmojiGrid {
  node;
  /** @type {HTMLElement[]} */
  #cells = [];
  #columns = window.matchMedia("(pointer: coarse)").matches ? COARSE_COLUMNS : COLUMNS;
  #onLeave;

  /**
   * @param {object} options
   * @param {string} options.label
   * @param {(emoji: string) => void} options.onPick
   * @param {(cell: Cell | null) => void} options.onPreview
   * @param {() => void} options.onLeave the arrow key upwards in the first row
   */
  constructor({ label, onPick, onPreview, onLeave }) {
    this.node = element("div", { role: "grid", class: "emoji-grid", "aria-label": label });
    this.#onLeave = onLeave;
    this.node.addEventListener("keydown", (event) => this.#onKey(event));
    this.node.addEventListener("click", ({ target }) => {
      const cell = this.#cells.find((node) => target instanceof Node && node.contains(target));
      if (cell !== undefined) onPick(cell.textContent);
    });
    for (const type of ["focusin", "pointerover"]) {
      this.node.addEventListener(type, ({ target }) => {
        const cell = this.#cells.find((node) => node === target);
        onPreview(cell === undefined ? null : { emoji: cell.textContent, name: cell.title });
      });
    }
  }

  /** @returns {string | null} the first emoji */
  get first() {
    return this.#cells.at(0)?.textContent ?? null;
  }

  /** @param {readonly Cell[]} cells */
  show(cells) {
    this.#cells = cells.map(
      ({ emoji, name }, index) =>
      element("button", { type: "button", role: "gridcell", tabindex: index === 0 ? "0" : "-1", title: name, "aria-label": name }, emoji), // prettier-ignore
    );
    const rows = [];
    for (let start = 0; start < this.#cells.length; start += this.#columns) {
      rows.push(element("div", { role: "row" }, ...this.#cells.slice(start, start + this.#columns)));
    }
    this.node.replaceChildren(...rows);
    this.node.scrollTop = 0;
  }

  focus() {
    this.#focusAt(0);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const index = this.#cells.findIndex((cell) => cell === document.activeElement);
    if (index < 0) return;
    const isRightToLeft = getComputedStyle(this.node).direction === "rtl";
    const forward = isRightToLeft ? -1 : 1;
    const rowStart = index - (index % this.#columns);
    const targets = new Map([
      ["ArrowRight", index + forward],
      ["ArrowLeft", index - forward],
      ["ArrowDown", index + this.#columns],
      ["ArrowUp", index - this.#columns],
      ["Home", event.ctrlKey ? 0 : rowStart],
      ["End", event.ctrlKey ? this.#cells.length - 1 : Math.min(rowStart + this.#columns, this.#cells.length) - 1],
      ["PageDown", Math.min(index + 5 * this.#columns, this.#cells.length - 1)],
      ["PageUp", Math.max(index - 5 * this.#columns, 0)],
    ]);
    const target = targets.get(event.key);
    if (target === undefined) return;
    event.preventDefault();
    if (target < 0 && event.key === "ArrowUp") this.#onLeave();
    else this.#focusAt(target);
  }

  /** @param {number} index */
  #focusAt(index) {
    const cell = this.#cells.at(index);
    if (index < 0 || cell === undefined) return;
    for (const other of this.#cells) if (other.tabIndex === 0) other.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  }
}
