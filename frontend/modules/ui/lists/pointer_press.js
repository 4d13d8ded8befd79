/** A press of the pointer, during which what is below it must not be replaced. */

/** How long to wait for the click after the release: a finger clicks in a later task. Not every press is a click. */
const MAX_CLICK_DELAY_MS = 100;

/**
 * Knows whether a press is going on. A browser clicks the element in which a press both began and ended: if a row is
 * replaced in between, nothing is clicked, and a finger may click the row that has taken its place.
 */
export class PointerPress {
  #clock;
  /** @type {AbortController | null} null: nothing is pressed */
  #press = null;
  /** @type {(() => void)[]} */
  #waiting = [];

  /**
   * @param {HTMLElement} node
   * @param {import("../../clock.js").Clock} clock
   * @param {AbortSignal} [signal] ends the watching
   */
  constructor(node, clock, signal) {
    this.#clock = clock;
    const begin = (/** @type {PointerEvent} */ { button }) => {
      if (button === 0) this.#begin(); // the main button of a mouse, or a finger
    };
    node.addEventListener("pointerdown", begin, { signal });
  }

  /** @returns {boolean} */
  get isPressed() {
    return this.#press !== null;
  }

  /** Wait until a press ends: by its click, its cancellation, or leaving the window. Without one, return at once. */
  async ended() {
    if (this.#press === null) return;
    await new Promise((resolve) => {
      this.#waiting.push(() => resolve(undefined));
    });
  }

  #begin() {
    this.#press?.abort();
    this.#press = new AbortController();
    const { signal } = this.#press;
    const end = () => this.#end();
    const release = () => signal.addEventListener("abort", this.#clock.schedule(MAX_CLICK_DELAY_MS, end));
    window.addEventListener("pointerup", release, { once: true, signal });
    window.addEventListener("click", end, { signal });
    window.addEventListener("pointercancel", end, { signal });
    // A release outside of the window may never be reported.
    window.addEventListener("blur", end, { signal });
    const leave = (/** @type {PointerEvent} */ { buttons }) => {
      if (buttons !== 0) end(); // a finger also leaves when it is lifted, before its click
    };
    document.documentElement.addEventListener("pointerleave", leave, { signal });
  }

  #end() {
    this.#press?.abort();
    this.#press = null;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
