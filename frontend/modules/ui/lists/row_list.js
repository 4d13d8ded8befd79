/** A list of elements that are made from rows, updated in place. */

/** The children of a list, updated in place: an element whose row looks the same is kept. */
export class RowList {
  #list;
  /** @type {Map<string, {node: HTMLElement, version: string}>} */
  #rendered = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {string} key */
  has(key) {
    return this.#rendered.has(key);
  }

  /** @param {{key: string, version: string, render(): HTMLElement}[]} rows */
  update(rows) {
    this.#removeOthers(new Set(rows.map(({ key }) => key)));
    let next = this.#list.firstElementChild;
    /** @type {HTMLElement | null} The row that had the focus and looks different now. */
    let changed = null;
    for (const { key, version, render } of rows) {
      let entry = this.#rendered.get(key);
      if (entry === undefined || entry.version !== version) {
        const node = render();
        if (next !== null && entry?.node === next) next = next.nextElementSibling;
        const hadFocus = entry?.node.contains(document.activeElement);
        entry?.node.remove();
        entry = { node, version };
        this.#rendered.set(key, entry);
        if (hadFocus) changed = node;
      }
      if (entry.node === next) next = next.nextElementSibling;
      else this.#list.insertBefore(entry.node, next);
    }
    const target = changed?.querySelector("a, button");
    if (target instanceof HTMLElement) target.focus({ preventScroll: true });
  }

  /** @param {Set<string>} keys */
  #removeOthers(keys) {
    for (const [key, { node }] of this.#rendered) {
      if (keys.has(key)) continue;
      node.remove();
      this.#rendered.delete(key);
    }
  }
}
