/**
 * Whether the reader is at the newest message. There, new messages scroll the view along. (The browser's own scroll
 * anchoring is not in every browser: styles/chat.css turns it off.)
 */

const BOTTOM_TOLERANCE_PX = 48;
/** Beyond the end of any content: the browser limits it, and no height has to be read for it. */
const END_PX = 1e8;

export class ScrollPosition {
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

  scrollToBottom() {
    this.#isAtBottom = true;
    this.#scroller.scrollTop = END_PX;
    this.#remember();
  }

  /**
   * The content has changed, and what is read has moved.
   *
   * @param {number} px downwards
   */
  settle(px) {
    if (px !== 0) this.#scroller.scrollTop += px;
    this.#isAtBottom = this.#isNearBottom();
    this.#remember();
  }

  /** @param {number} top where the reader goes, away from the newest message */
  scrollTo(top) {
    this.#scroller.scrollTop = top;
    this.settle(0);
  }

  /** The reader changed the height of what they read: the view stays, wherever that is now. */
  stay() {
    this.settle(0);
    this.#onChange();
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

  #isNearBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return this.#hasEnd() && scrollHeight - scrollTop - clientHeight < BOTTOM_TOLERANCE_PX;
  }
}
