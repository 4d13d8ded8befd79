/**
 * A list that has elements only for the rows near the screen: the time and the memory of a frame do not grow with the
 * conversation. Padding takes the place of the other rows.
 *
 * The reader's place is an element on the screen, not a number of pixels. The element stays where it is when rows above
 * it are loaded, estimated or measured. Layout is read before the first write of a frame and once after the last one.
 *
 * @template {{key: string}} Row
 *
 * @typedef {object} RowRenderer
 * @property {(row: Row) => string} version changes whenever the row looks different
 * @property {(row: Row) => HTMLElement} render
 * @property {(row: Row) => number} estimate the height before it was rendered
 */

/** @typedef {{key: string, node: HTMLElement, top: number}} Anchor a row on the screen and where it is */

import { RenderedRows } from "./rendered_rows.js";
import { RowHeights } from "./row_heights.js";

/** Rows this far beyond the screen are always there. */
const NEAR_PX = 400;
/** When they are not, rows are rendered this far: not with each pixel. */
const RENDERED_PX = 1_000;
/** Above the screen of a reader who is at the end, only rows this near are made at once: see `#firstAtEnd`. */
const MADE_AT_END_PX = 100;

/** @template {{key: string}} Row */
export class WindowedList {
  #scroller;
  #list;
  #position;
  #rendered;
  #heights;
  /** @type {readonly Row[]} */
  #rows = [];
  /** @type {Set<string>} keys of rows that were rendered and not measured yet */
  #unmeasured = new Set();
  #first = 0;
  #end = 0;
  #width = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} list
   * @param {import("./scroll_position.js").ScrollPosition} position
   * @param {RowRenderer<Row>} renderer
   */
  constructor(scroller, list, position, renderer) {
    this.#scroller = scroller;
    this.#list = list;
    this.#position = position;
    this.#rendered = new RenderedRows(list, renderer);
    this.#heights = new RowHeights(renderer.estimate);
  }

  /** @returns {boolean} whether less than one screen is left above */
  get isNearTop() {
    return this.#scroller.scrollTop < this.#scroller.clientHeight + this.#list.offsetTop;
  }

  /** @returns {boolean} whether less than one screen is left below */
  get isNearEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    return scrollHeight - scrollTop < 2 * clientHeight;
  }

  /**
   * @param {string} key
   * @returns {HTMLElement | null} null if the row is not near the screen
   */
  nodeOf(key) {
    return this.#rendered.nodeOf(key);
  }

  /**
   * @param {Node} node
   * @returns {Row | null} the row that contains the node
   */
  rowOf(node) {
    for (let index = this.#first; index < this.#end; index += 1) {
      if (this.nodeOf(this.#rows[index].key)?.contains(node)) return this.#rows[index];
    }
    return null;
  }

  /** @param {string} key of a row whose height may have changed */
  resized(key) {
    this.#unmeasured.add(key);
  }

  /**
   * Show rows, without moving what is being read.
   *
   * @param {readonly Row[]} rows
   * @param {() => void} changeRest changes what is above and below of the list
   */
  update(rows, changeRest) {
    this.#measure();
    const anchors = this.#position.isAtBottom ? [] : this.#visibleRows();
    this.#rows = rows;
    this.#heights.setRows(rows);
    changeRest();
    if (this.#position.isAtBottom) this.#renderEnd();
    else {
      this.#renderAround(this.#topAfterChange(anchors));
      this.#position.settle(this.#movedBy(anchors));
    }
  }

  /** The reader has scrolled: render the rows that are near now. */
  scrolled() {
    const { scrollTop, clientHeight } = this.#scroller;
    const top = scrollTop - this.#list.offsetTop;
    const isFirstNear = this.#first === 0 || this.#heights.top(this.#first) < top - NEAR_PX;
    const isEndNear = this.#end >= this.#rows.length || this.#heights.top(this.#end) > top + clientHeight + NEAR_PX;
    if (isFirstNear && isEndNear && this.#list.clientWidth === this.#width) return;
    this.#measure();
    const anchors = this.#position.isAtBottom ? [] : this.#visibleRows();
    this.#renderAround(this.#topAfterChange(anchors));
    if (this.#position.isAtBottom) this.#position.scrollToBottom();
    else this.#position.settle(this.#movedBy(anchors));
  }

  /**
   * Scroll to a row, in the upper half of the screen.
   *
   * @param {string} key
   * @returns {HTMLElement | null} null if there is no such row
   */
  reveal(key) {
    const index = this.#rows.findIndex((row) => row.key === key);
    if (index < 0) return null;
    this.#measure();
    this.#renderAround(this.#heights.top(index) - this.#scroller.clientHeight / 3);
    const node = this.nodeOf(key);
    if (node === null) return null;
    const { top } = this.#scroller.getBoundingClientRect();
    const offset = node.getBoundingClientRect().top - top - this.#scroller.clientHeight / 3;
    this.#position.scrollTo(this.#scroller.scrollTop + offset);
    return node;
  }

  clear() {
    this.#list.replaceChildren();
    this.#list.style.removeProperty("padding-block");
  }

  // -- Internal --

  /** Reads the layout of the last frame, before anything is changed. */
  #measure() {
    const width = this.#list.clientWidth;
    if (width !== this.#width) {
      this.#width = width;
      this.#heights.forget();
      for (const key of this.#rendered.keys) this.#unmeasured.add(key);
    }
    for (const key of this.#unmeasured) {
      const node = this.nodeOf(key);
      if (node !== null) this.#heights.set(key, node.getBoundingClientRect().height);
    }
    this.#unmeasured.clear();
  }

  /** @returns {Anchor[]} */
  #visibleRows() {
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    const visible = [];
    for (let index = this.#first; index < this.#end; index += 1) {
      const { key } = this.#rows[index];
      const node = this.nodeOf(key);
      const box = node?.getBoundingClientRect();
      if (node === null || box === undefined || box.bottom <= top) continue;
      if (box.top > bottom) break;
      visible.push({ key, node, top: box.top });
    }
    return visible;
  }

  /**
   * @param {Anchor[]} anchors
   * @returns {number} the place in the list at the upper edge of the screen
   */
  #topAfterChange(anchors) {
    const { clientHeight, scrollTop } = this.#scroller;
    if (this.#position.isAtBottom) return this.#heights.total - clientHeight;
    const places = new Map(anchors.map(({ key, top }) => [key, top]));
    for (const [index, { key }] of places.size === 0 ? [] : this.#rows.entries()) {
      const top = places.get(key);
      if (top !== undefined) return this.#heights.top(index) - (top - this.#scroller.getBoundingClientRect().top);
    }
    return scrollTop - this.#list.offsetTop;
  }

  /**
   * @param {Anchor[]} anchors the first one may be removed, or look different now: then the next one counts
   * @returns {number} pixels downwards
   */
  #movedBy(anchors) {
    const same = anchors.find(({ node }) => node.isConnected);
    if (same !== undefined) return same.node.getBoundingClientRect().top - same.top;
    const changed = anchors.find(({ key }) => this.nodeOf(key) !== null);
    return changed === undefined
      ? 0
      : (this.nodeOf(changed.key)?.getBoundingClientRect().top ?? changed.top) - changed.top;
  }

  /** Render what a reader at the end sees, and scroll there. */
  #renderEnd() {
    const count = this.#rows.length;
    const top = this.#heights.total - this.#scroller.clientHeight;
    this.#renderRange(this.#firstAtEnd(top), count);
    this.#position.scrollToBottom();
    // The rows are lower than estimated, and do not fill the screen.
    if (this.#scroller.scrollTop - this.#list.offsetTop >= this.#heights.top(this.#first)) return;
    this.#renderAround(top);
    this.#position.scrollToBottom();
  }

  /**
   * Of many rows that arrive together, those that are above the screen at once need no element: `scrolled` makes them, if
   * no more arrive. Rows above the screen that have an element keep it.
   *
   * @param {number} top place in the list at the upper edge of the screen
   * @returns {number} index of the first row to render
   */
  #firstAtEnd(top) {
    if (this.#rows.length === 0) return 0;
    const farthest = this.#heights.indexAt(top - RENDERED_PX);
    let first = this.#heights.indexAt(top - MADE_AT_END_PX);
    while (first > farthest && this.nodeOf(this.#rows[first - 1].key) !== null) first -= 1;
    return first;
  }

  /** @param {number} top place in the list at the upper edge of the screen */
  #renderAround(top) {
    const bottom = top + this.#scroller.clientHeight;
    const count = this.#rows.length;
    if (count === 0) this.#renderRange(0, 0);
    else {
      const end = Math.min(count, this.#heights.indexAt(bottom + RENDERED_PX) + 1);
      this.#renderRange(this.#heights.indexAt(top - RENDERED_PX), end);
    }
  }

  /**
   * @param {number} first
   * @param {number} end
   */
  #renderRange(first, end) {
    this.#first = first;
    this.#end = end;
    for (const key of this.#rendered.update(this.#rows.slice(this.#first, this.#end))) this.#unmeasured.add(key);
    const above = this.#heights.top(this.#first);
    const below = this.#heights.total - this.#heights.top(this.#end);
    this.#list.style.setProperty("padding-block", `${above}px ${below}px`);
  }
}
