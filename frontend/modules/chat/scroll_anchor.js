/**
 * Where the reader is. At the bottom, new messages pull the view along; anywhere else, what is being
 * read stays where it is, whether something is put in above, below or taken away. (The browser's own
 * scroll anchoring does the half of it, and not in every browser; styles/chat.css turns it off.)
 */

const NEAR_PX = 48;

export class ScrollKeeper {
  #scroller;
  #pinned = true;

  /**
   * @param {HTMLElement} scroller
   * @param {AbortSignal} signal when to stop looking
   */
  constructor(scroller, signal) {
    this.#scroller = scroller;
    const scrolled = () => {
      this.#pinned = this.#distance() < NEAR_PX;
    };
    scroller.addEventListener("scroll", scrolled, { passive: true, signal });
    // A keyboard that slides in, a text box that grows: the last message stays in sight.
    const observer = new ResizeObserver(() => this.#pinned && this.toBottom());
    observer.observe(scroller);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** @returns {boolean} whether the reader is at the newest message */
  get pinned() {
    return this.#pinned;
  }

  get nearTop() {
    return this.#scroller.scrollTop < this.#scroller.clientHeight;
  }

  toBottom() {
    this.#pinned = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /**
   * @param {Iterable<Element>} rows in order
   * @param {() => void} change what it does to the page must not move what is being read
   */
  around(rows, change) {
    const anchors = this.#pinned ? [] : this.#visible(rows);
    change();
    if (this.#pinned) return this.toBottom();
    // The first row in sight may be the one that goes away; the next one then holds the place.
    const kept = anchors.find(({ row }) => row.isConnected);
    if (kept !== undefined) this.#scroller.scrollTop += kept.row.getBoundingClientRect().top - kept.top;
  }

  #visible(rows) {
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    const found = [];
    for (const row of rows) {
      const box = row.getBoundingClientRect();
      if (box.top > bottom) break;
      if (box.bottom > top) found.push({ row, top: box.top });
    }
    return found;
  }

  #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }
}
