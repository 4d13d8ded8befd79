/**
 * The reader's place in the conversation. At the bottom, new messages scroll the view along. Anywhere else, what is
 * being read stays where it is when something is inserted above, inserted below or removed. (The browser's own scroll
 * anchoring does half of that, and not in every browser: styles/chat.css turns it off.)
 */

const BOTTOM_TOLERANCE_PX = 48;

export class ScrollAnchor {
  #scroller;
  #hasEnd;
  #onChange;
  #isAtBottom = true;
  /** Where the scroller was last: a scroll event with a smaller value is a move upwards. */
  #scrollTop = 0;
  /** The heights of the scroller and of its content at that time. */
  #heights = "";

  /**
   * @param {HTMLElement} scroller
   * @param {AbortSignal} signal ends the watching
   * @param {() => boolean} hasEnd whether the end of the content is the newest message
   * @param {() => void} onChange `isAtBottom` may have changed, or the reader scrolled
   */
  constructor(scroller, signal, hasEnd, onChange) {
    this.#scroller = scroller;
    this.#hasEnd = hasEnd;
    this.#onChange = onChange;
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true, signal });
    // When an on-screen keyboard opens or the text box grows, the last message stays visible.
    const observer = new ResizeObserver(() => this.#onResize());
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

  /**
   * @param {Element} element
   * @returns {boolean} whether less than one screen is left above it
   */
  isNear(element) {
    return (
      element.getBoundingClientRect().top < this.#scroller.getBoundingClientRect().bottom + this.#scroller.clientHeight
    );
  }

  scrollToBottom() {
    this.#isAtBottom = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#remember();
  }

  /** The reader changed the height of what they read: the view stays, wherever that is now. */
  stay() {
    this.#isAtBottom = this.#isNearBottom();
    this.#remember();
    this.#onChange();
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
    const moved = anchor === undefined ? 0 : anchor.row.getBoundingClientRect().top - anchor.top;
    if (moved !== 0) this.#scroller.scrollTop += moved;
    this.#isAtBottom = this.#isNearBottom();
    this.#remember();
  }

  /**
   * Only the reader's move upwards leaves the bottom. A scroll event may be dispatched after the heights have changed and
   * before the ResizeObserver runs. Then neither the distance nor a smaller scrollTop says what the reader did: the banner
   * makes the scroller shorter, and a draft that is cut makes it taller, which moves scrollTop up by itself.
   */
  #onScroll() {
    const wasResized = this.#heights !== this.#currentHeights();
    if (this.#isNearBottom()) this.#isAtBottom = true;
    else if (wasResized && this.#isAtBottom) this.scrollToBottom();
    else if (this.#scroller.scrollTop < this.#scrollTop) this.#isAtBottom = false;
    this.#remember();
    this.#onChange();
  }

  #onResize() {
    if (this.#isAtBottom || this.#isNearBottom()) this.scrollToBottom();
    this.#onChange();
  }

  #remember() {
    this.#scrollTop = this.#scroller.scrollTop; // the browser limits it to the content
    this.#heights = this.#currentHeights();
  }

  #currentHeights() {
    return `${this.#scroller.clientHeight} ${this.#scroller.scrollHeight}`;
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

  #isNearBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return this.#hasEnd() && scrollHeight - scrollTop - clientHeight < BOTTOM_TOLERANCE_PX;
  }
}
