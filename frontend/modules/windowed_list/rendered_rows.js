/**
 * The rows of a windowed list that are elements now, in order. A row that looks the same keeps its element.
 *
 * @template {{key: string}} Row
 */
export class RenderedRows {
  #list;
  #renderer;
  /** @type {Map<string, {node: HTMLElement, version: string}>} by key */
  #rendered = new Map();

  /**
   * @param {HTMLElement} list
   * @param {Pick<import("./windowed_list.js").RowRenderer<Row>, "version" | "render">} renderer
   */
  constructor(list, renderer) {
    this.#list = list;
    this.#renderer = renderer;
  }

  /** @returns {Iterable<string>} */
  get keys() {
    return this.#rendered.keys();
  }

  /**
   * @param {string} key
   * @returns {HTMLElement | null} null if the row is not near the screen
   */
  nodeOf(key) {
    return this.#rendered.get(key)?.node ?? null;
  }

  /**
   * Make the elements of the rows, and remove those of others.
   *
   * @param {readonly Row[]} rows
   * @returns {string[]} keys of the rows whose element is new
   */
  update(rows) {
    this.#removeOthers(new Set(rows.map(({ key }) => key)));
    /** @type {string[]} */
    const changed = [];
    let next = this.#list.firstElementChild;
    for (const row of rows) {
      const version = this.#renderer.version(row);
      let entry = this.#rendered.get(row.key);
      if (entry === undefined || entry.version !== version) {
        const node = this.#renderer.render(row);
        if (entry === undefined) this.#list.insertBefore(node, next);
        else {
          if (entry.node === next) next = next.nextElementSibling;
          replace(entry.node, node);
        }
        entry = { node, version };
        this.#rendered.set(row.key, entry);
        changed.push(row.key);
      }
      if (entry.node === next) next = next.nextElementSibling;
    }
    return changed;
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

/**
 * Replace a row that looks different now. If it had the focus, the new one has it.
 *
 * @param {HTMLElement} node
 * @param {HTMLElement} by
 */
function replace(node, by) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  const emoji = focused?.getAttribute("data-emoji");
  node.replaceWith(by);
  if (focused === null) return;
  const same = emoji
    ? [...by.querySelectorAll("[data-emoji]")].find((chip) => chip.getAttribute("data-emoji") === emoji)
    : null;
  (same instanceof HTMLElement ? same : by).focus({ preventScroll: true });
}
