/**
 * Renders in the next animation frame, once for all calls of `schedule` before it.
 *
 * No frame is left out on a slow processor: a pause after long frames made keys late, because a browser shows what was
 * typed with the next frame that changes something else (docs/performance.md).
 */

export class NextFrame {
  #render;
  #signal;
  #isScheduled = false;

  /**
   * @param {() => void} render
   * @param {AbortSignal} signal ends the rendering
   */
  constructor(render, signal) {
    this.#render = render;
    this.#signal = signal;
  }

  /** @returns {boolean} whether the next frame will render */
  get isScheduled() {
    return this.#isScheduled;
  }

  /** May be called often. */
  schedule() {
    if (this.#isScheduled || this.#signal.aborted) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      if (!this.#signal.aborted) this.#render();
    });
  }
}
