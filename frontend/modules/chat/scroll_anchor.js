/**
 * The reader's place in the conversation. At the bottom, new messages scroll the view along. Anywhere else, what is
 * being read stays where it is when something is inserted above, inserted below or removed. (The browser's own scroll
 * anchoring does half of that, and not in every browser: styles/chat.css turns it off.)
 */

const BOTTOM_TOLERANCE_PX = 48;

export class ScrollAnchor {
  #scroller;
  #isAtBottom = true;
  /** Where the scroller was last: a scroll event with a smaller value is a move upwards. */
  #scrollTop = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {AbortSignal} signal ends the watching
   */
  constructor(scroller, signal) {
    this.#scroller = scroller;
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true, signal });
    // When an on-screen keyboard opens or the text box grows, the last message stays visible.
    const observer = new ResizeObserver(() => this.#isAtBottom && this.scrollToBottom());
    observer.observe(scroller);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** @returns {boolean} whether the reader is at the newest message */
  get isAtBottom() {
    return this.#isAtBottom;
  }

  /** @returns {boolean} whether less than one screen is left above */
  get isNearTop() {
    return this.#scroller.scrollTop < this.#scroller.clientHeight;
  }

  scrollToBottom() {
    this.#isAtBottom = true;
    this.#scrollTo(this.#scroller.scrollHeight);
  }

  /**
   * Run a change without moving what is being read.
   *
   * @param {Iterable<Element>} rows in order
   * @param {() => void} change
   */
  preserve(rows, change) {
    const visible = this.#isAtBottom ? [] : this.#visibleRows(rows);
    change();
    if (this.#isAtBottom) {
      this.scrollToBottom();
      return;
    }
    // The first visible row may be the one that is removed: then the next one is the anchor.
    const anchor = visible.find(({ row }) => row.isConnected);
    if (anchor === undefined) return;
    this.#scrollTo(this.#scroller.scrollTop + anchor.row.getBoundingClientRect().top - anchor.top);
  }

  /**
   * Only a move upwards leaves the bottom. The event of an earlier scroll may be dispatched after the banner appeared,
   * which makes the scroller shorter, and before the ResizeObserver runs: the distance alone would look as if the reader
   * had scrolled up.
   */
  #onScroll() {
    const { scrollTop } = this.#scroller;
    if (this.#distanceFromBottom() < BOTTOM_TOLERANCE_PX) this.#isAtBottom = true;
    else if (scrollTop < this.#scrollTop) this.#isAtBottom = false;
    this.#scrollTop = scrollTop;
  }

  /** @param {number} top */
  #scrollTo(top) {
    this.#scroller.scrollTop = top;
    this.#scrollTop = this.#scroller.scrollTop; // the browser limits it to the content
  }

  /** @param {Iterable<Element>} rows */
  #visibleRows(rows) {
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    const visible = [];
    for (const row of rows) {
      const box = row.getBoundingClientRect();
      if (box.top > bottom) break;
      if (box.bottom > top) visible.push({ row, top: box.top });
    }
    return visible;
  }

  #distanceFromBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }
}
