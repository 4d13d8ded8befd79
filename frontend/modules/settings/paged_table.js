/**
 * A table of items from the server, loaded page by page. Each row can be updated or removed by itself, so that an
 * action on the hundredth row does not return the reader to the first page.
 */

import { messageOf } from "../error_text.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";

/**
 * @template Item
 * @typedef {object} RowActions
 * @property {(work: () => Promise<unknown>) => Promise<void>} run runs an action and shows its error above the table
 * @property {(item: Item) => void} update
 * @property {() => void} remove
 */

/**
 * @template Item
 * @typedef {object} TableOptions
 * @property {string} label
 * @property {string[]} columns the last one may be "": actions
 * @property {(cursor: string | null) => Promise<{items: Item[], next: string | null}>} load
 * @property {(item: Item, row: RowActions<Item>) => (Node | string | null)[]} renderCells
 * @property {string} empty shown if there are no items
 * @property {string} [more] label of the button that loads the next page
 */

/** @template Item */
export class PagedTable {
  #options;
  #more;
  #error = element("p", { class: "error", role: "alert", hidden: true });
  #body = element("tbody");
  #table;
  #note = element("p", { class: "subtle", role: "status", tabindex: "-1" }, text("shell.loading"));
  #moreButton;
  /** @type {string | null} */
  #cursor = null;
  /** Counts requests for a page: an earlier one that arrives later is ignored. */
  #request = 0;

  /** Put it into the page. @type {HTMLElement} */
  node;

  /** @param {TableOptions<Item>} options */
  constructor(options) {
    this.#options = options;
    this.#more = options.more ?? text("table.more");
    const headers = options.columns.map((name) =>
      element(
        "th",
        { scope: "col" },
        name === "" ? element("span", { class: "visually-hidden" }, text("table.actions")) : name,
      ),
    );
    this.#table = element(
      "table",
      { "aria-label": options.label, hidden: true },
      element("thead", {}, element("tr", {}, ...headers)),
      this.#body,
    );
    this.#moreButton = button(this.#more, () => this.#loadPage(true), { class: "secondary", hidden: true });
    this.node = element("div", { class: "paged-table" }, this.#error, this.#table, this.#note, this.#moreButton);
    this.reload();
  }

  /** Load the first page. */
  async reload() {
    this.#cursor = null;
    await this.#loadPage(false);
  }

  /** @param {boolean} isRequested whether the person pressed the button: then the focus moves to the new rows */
  async #loadPage(isRequested) {
    const request = (this.#request += 1);
    const cursor = this.#cursor;
    let isLoaded = false;
    this.#moreButton.disabled = true;
    await this.#run(async () => {
      const { items, next } = await this.#options.load(cursor);
      isLoaded = true;
      if (request !== this.#request) return;
      if (cursor === null) this.#body.replaceChildren();
      const rows = items.map((item) => this.#renderRow(item));
      this.#body.append(...rows);
      this.#cursor = next;
      this.#showState();
      if (isRequested) (rows.at(0) ?? this.#note).focus();
    });
    this.#moreButton.disabled = false;
    this.#moreButton.textContent = isLoaded ? this.#more : text("table.try_again");
    if (isLoaded) return;
    this.#note.textContent = "";
    this.#moreButton.hidden = false;
    if (isRequested) this.#moreButton.focus(); // it lost the focus while it was disabled
  }

  /**
   * Run an action and show its error above the table.
   *
   * @param {() => Promise<unknown>} work
   */
  async #run(work) {
    this.#error.hidden = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#error.textContent = messageOf(error);
      this.#error.hidden = false;
      this.#error.scrollIntoView({ block: "nearest" });
    }
  }

  #showState() {
    this.#table.hidden = this.#body.rows.length === 0;
    this.#note.textContent = this.#table.hidden ? this.#options.empty : "";
    this.#moreButton.hidden = this.#cursor === null;
  }

  /** @param {Item} item */
  #renderRow(item) {
    const row = element("tr", { tabindex: "-1" });
    /** @type {RowActions<Item>} */
    const actions = {
      run: (work) => this.#run(work),
      update: (changed) => keepFocusInRow(row, () => fill(changed)),
      remove: () => {
        const neighbour = row.nextElementSibling ?? row.previousElementSibling;
        row.remove();
        this.#showState();
        if (neighbour instanceof HTMLElement) neighbour.focus();
        else this.#note.focus();
      },
    };
    const { columns, renderCells } = this.#options;
    /** @param {Item} content */
    const fill = (content) =>
      row.replaceChildren(
        ...renderCells(content, actions).map((cell, index) =>
          element("td", { "data-column": columns[index], class: columns[index] === "" ? "actions" : null }, cell),
        ),
      );
    fill(item);
    return row;
  }
}

/**
 * Updating a row removes its pressed button. The focus moves to the button in the same place, or to the row.
 *
 * @param {HTMLElement} row
 * @param {() => void} update
 */
function keepFocusInRow(row, update) {
  const index = [...row.querySelectorAll("button")].findIndex((node) => node === document.activeElement);
  update();
  if (index >= 0) (row.querySelectorAll("button").item(index) ?? row).focus();
}
