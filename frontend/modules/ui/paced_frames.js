/**
 * Renders in animation frames, and leaves most of a slow processor to keys: each frame that renders is followed by a
 * pause that is a multiple of the time which that frame took.
 */

/** With 2, rendering takes at most a third of the main thread. */
const PAUSE_FACTOR = 2;
/** So that a message is shown soon on the slowest machine. */
const MAX_PAUSE_MS = 250;

export class PacedFrames {
  #render;
  #signal;
  #isScheduled = false;
  /** No frame renders before. */
  #pausedUntil = 0;

  /**
   * @param {() => void} render
   * @param {AbortSignal} signal ends the rendering
   */
  constructor(render, signal) {
    this.#render = render;
    this.#signal = signal;
  }

  /** @returns {boolean} whether a frame will render */
  get isScheduled() {
    return this.#isScheduled;
  }

  /** Render in the next frame, or in the first one after the pause. May be called often. */
  schedule() {
    if (this.#isScheduled || this.#signal.aborted) return;
    this.#isScheduled = true;
    const pause = this.#pausedUntil - performance.now();
    if (pause > 0) setTimeout(() => this.#requestFrame(), pause);
    else this.#requestFrame();
  }

  #requestFrame() {
    requestAnimationFrame((startedAt) => {
      this.#isScheduled = false;
      if (this.#signal.aborted) return;
      this.#render();
      // A task that is queued in a frame runs after its layout and its paint, which take longer than the scripts.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => this.#pauseAfterFrame(startedAt);
      port2.postMessage(null);
    });
  }

  /** @param {number} startedAt */
  #pauseAfterFrame(startedAt) {
    const now = performance.now();
    this.#pausedUntil = now + Math.min((now - startedAt) * PAUSE_FACTOR, MAX_PAUSE_MS);
  }
}
