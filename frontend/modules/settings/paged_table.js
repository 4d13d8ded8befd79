/**
 * A table of what the server has, page by page. Each row can change or go by itself, so that acting on the
 * hundredth does not throw one back to the first.
 */

import { button, element } from "../dom.js";

/**
 * @param {object} options
 * @param {string} options.label
 * @param {string[]} options.columns the last one may be "": actions
 * @param {(cursor: string | null) => Promise<{items: any[], next: string | null}>} options.load
 * @param {(item: any, row: {act(work: () => Promise<any>): Promise<void>, redraw(item: any): void, remove(): void}) => (Node | string | null)[]} options.draw
 * @param {string} options.empty said when there is nothing
 * @param {string} [options.more]
 */
export function createList({ label, columns, load, draw, empty, more = "Show more" }) {
  const error = element("p", { class: "error", role: "alert", hidden: true });
  const body = element("tbody");
  const heads = columns.map((name) => element("th", { scope: "col" }, name === "" ? element("span", { class: "unseen" }, "Actions") : name));
  const table = element("table", { "aria-label": label, hidden: true }, element("thead", {}, element("tr", {}, ...heads)), body);
  const note = element("p", { class: "quiet", role: "status", tabindex: "-1" }, "Loading…");
  const moreButton = button(more, () => page(true), { class: "plain", hidden: "" });
  const node = element("div", { class: "list" }, error, table, note, moreButton);
  let cursor = null;
  let round = 0;

  /** Runs work whose refusal is said above the list. */
  async function act(work) {
    error.hidden = true;
    try {
      await work();
    } catch (problem) {
      error.textContent = problem.message;
      error.hidden = false;
      error.scrollIntoView({ block: "nearest" });
    }
  }

  /** From the first page. */
  function reload() {
    cursor = null;
    return page();
  }

  /** @param {boolean} [pressed] whether somebody pressed the button, and goes on from what comes */
  async function page(pressed = false) {
    const mine = (round += 1);
    const from = cursor;
    let loaded = false;
    moreButton.disabled = true;
    await act(async () => {
      const { items, next } = await load(from);
      loaded = true;
      if (mine !== round) return; // a newer request overtook this one
      if (from === null) body.replaceChildren();
      const rows = items.map(drawRow);
      body.append(...rows);
      cursor = next;
      told();
      if (pressed) (rows[0] ?? note).focus();
    });
    moreButton.disabled = false;
    moreButton.textContent = loaded ? more : "Try again";
    if (loaded) return;
    note.textContent = "";
    moreButton.hidden = false;
    if (pressed) moreButton.focus(); // it was disabled, and lost it
  }

  function told() {
    table.hidden = body.rows.length === 0;
    note.textContent = table.hidden ? empty : "";
    moreButton.hidden = cursor === null;
  }

  function drawRow(item) {
    const row = element("tr", { tabindex: "-1" });
    const change = {
      act,
      redraw: (changed) => stayInRow(row, () => fill(changed)),
      remove() {
        const next = row.nextElementSibling ?? row.previousElementSibling;
        row.remove();
        told();
        (next ?? note).focus();
      },
    };
    const fill = (content) => row.replaceChildren(...draw(content, change).map((cell, index) =>
      element("td", { "data-column": columns[index], class: columns[index] === "" ? "actions" : null }, cell)));
    fill(item);
    return row;
  }

  reload();
  return { node, reload, act };
}

/** A redrawn row's pressed button is gone; whoever works by keyboard stays at its successor, or at the row. */
function stayInRow(row, redraw) {
  const buttons = [...row.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  redraw();
  if (at >= 0) (row.querySelectorAll("button")[at] ?? row).focus();
}
