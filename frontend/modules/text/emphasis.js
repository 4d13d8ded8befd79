/**
 * Matches the marks of bold, italic and struck text, in linear time also for thousands of marks that match nothing: an
 * open mark is text in its place, until its end is found and what follows it becomes its content.
 *
 * @typedef {import("./inline_markdown.js").Inline} Inline
 * @typedef {import("./inline_markdown.js").Delimiter} Delimiter
 */

/** Deeper nesting stays text: browsers lay out hundreds of nested elements slowly. */
const MAX_DEPTH = 8;

/**
 * @param {(Inline | Delimiter)[]} tokens
 * @returns {Inline[]}
 */
export function buildEmphasis(tokens) {
  const builder = new Builder();
  for (const token of tokens) {
    if (!("mark" in token)) builder.add(token);
    else if (!token.canClose || !builder.close(token.mark)) builder.addMark(token);
  }
  return mergeText(builder.children);
}

class Builder {
  /** @type {Inline[]} */
  children = [];
  /** @type {{mark: string, index: number}[]} index: of the mark in `children` */
  #open = [];
  /** @type {Map<string, number>} how many of each mark are open */
  #counts = new Map();
  /** @type {WeakMap<Inline, number>} how many levels are inside */
  #depths = new WeakMap();

  /** @param {Inline} child */
  add(child) {
    this.children.push(child);
  }

  /** @param {Delimiter} delimiter */
  addMark({ mark, canOpen }) {
    if (canOpen) {
      this.#open.push({ mark, index: this.children.length });
      this.#count(mark, 1);
    }
    this.children.push({ type: "text", text: mark });
  }

  /**
   * @param {string} mark
   * @returns {boolean} false if no such mark is open, nothing is between the two, or the nesting is too deep
   */
  close(mark) {
    if ((this.#counts.get(mark) ?? 0) === 0) return false;
    let opened;
    do {
      opened = /** @type {{mark: string, index: number}} */ (this.#open.pop());
      this.#count(opened.mark, -1);
    } while (opened.mark !== mark);
    const { index } = opened;
    if (index === this.children.length - 1) return false;
    const content = this.children.splice(index + 1);
    const depth = 1 + content.reduce((deepest, child) => Math.max(deepest, this.#depths.get(child) ?? 0), 0);
    if (depth > MAX_DEPTH) {
      for (const child of content) this.children.push(child);
      return false;
    }
    const node = wrap(mark, mergeText(content));
    this.#depths.set(node, depth);
    this.children[index] = node;
    return true;
  }

  /**
   * @param {string} mark
   * @param {number} change
   */
  #count(mark, change) {
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + change);
  }
}

/**
 * @param {string} mark
 * @param {Inline[]} children
 * @returns {Inline}
 */
function wrap(mark, children) {
  if (mark === "***") return { type: "strong", children: [{ type: "emphasis", children }] };
  return { type: mark === "**" ? "strong" : mark === "~~" ? "strike" : "emphasis", children };
}

/**
 * @param {Inline[]} children
 * @returns {Inline[]}
 */
function mergeText(children) {
  /** @type {Inline[]} */
  const merged = [];
  for (const child of children) {
    const last = merged.at(-1);
    if (child.type === "text" && last?.type === "text") last.text += child.text;
    else merged.push(child);
  }
  return merged;
}
