/** Tells listeners that something changed, at most once per task: a replay brings a thousand events in a row. */

export class Changes {
  /** @type {Set<() => void>} */
  #listeners = new Set();
  #isScheduled = false;

  /**
   * @param {() => void} listener
   * @returns {() => void} ends the subscription
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Call the listeners after the current task. */
  announce() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}
