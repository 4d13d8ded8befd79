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
    for (const { key, version, render } of rows) {
      let entry = this.#rendered.get(key);
      if (entry === undefined || entry.version !== version) {
        const node = render();
        if (next !== null && entry?.node === next) next = next.nextElementSibling;
        entry?.node.remove();
        entry = { node, version };
        this.#rendered.set(key, entry);
      }
      if (entry.node === next) next = next.nextElementSibling;
      else this.#list.insertBefore(entry.node, next);
    }
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
