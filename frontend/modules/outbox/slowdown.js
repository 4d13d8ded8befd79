/** How long the messages of a queue wait while the server accepts them only one by one (a rate limit, slow mode). */

export class Slowdown {
  /** The last refusal. @type {{cid: string, until: number, intervalMs: number} | null} */
  #refusal = null;

  /**
   * The server refused a message for a time.
   *
   * @param {string} cid
   * @param {number} now
   * @param {number} intervalMs which the next messages will probably have to wait, too
   */
  refused(cid, now, intervalMs) {
    this.#refusal = { cid, until: now + intervalMs, intervalMs };
  }

  /** @param {string} cid of a message that the server accepted */
  accepted(cid) {
    if (this.#refusal?.cid !== cid) this.end();
  }

  /** Nothing waits any more. */
  end() {
    this.#refusal = null;
  }

  /**
   * @param {number} ahead how many messages are sent first
   * @param {number} now
   * @returns {number | null} about how many milliseconds a message waits; null: it is not slowed down
   */
  delay(ahead, now) {
    if (this.#refusal === null) return null;
    return Math.max(0, this.#refusal.until - now) + ahead * this.#refusal.intervalMs;
  }
}
