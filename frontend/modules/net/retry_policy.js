/**
 * When to try again: the one rule for everything in the page that is repeated (the socket, a join, a page of history, a
 * send, a refresh). Time and randomness are arguments, so that the rule can be tested without waiting.
 *
 * Full jitter (a random delay between zero and the exponential bound) spreads many clients best; plain exponential
 * delays keep them in step (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */

const BASE_MS = 1_000;
export const MAX_RETRY_MS = 30_000;
/** After a success that lasted this long, the next failure counts as the first one. */
export const STABLE_MS = 10_000;
/** A server that asks for no pause at all still gets one. */
const MIN_RETRY_AFTER_MS = 250;

export class RetryPolicy {
  #random;
  #attempt = 0;
  /** @type {number | null} */
  #succeededAt = null;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.#random = random;
  }

  /**
   * The step succeeded. This alone does not reset the count: a step that succeeds and is needed again at once would be
   * repeated in a loop.
   *
   * @param {number} now
   */
  succeeded(now) {
    this.#succeededAt ??= now;
  }

  /** Count the next failure as the first one: the reason of the earlier ones is gone. */
  reset() {
    this.#attempt = 0;
    this.#succeededAt = null;
  }

  /**
   * Count a failure, and return how long to wait before the next attempt.
   *
   * @param {number} now
   * @param {object} [options]
   * @param {boolean} [options.isFirstImmediate] do not wait after the first failure
   * @param {number} [options.minMs] added to the random delay
   * @param {number} [options.maxMs] bound of the random delay
   * @param {number | null} [options.retryAfterMs] what the server asked for, instead of the random delay
   * @returns {number} milliseconds
   */
  delay(now, { retryAfterMs = null, isFirstImmediate = false, minMs = 0, maxMs = MAX_RETRY_MS } = {}) {
    if (this.#succeededAt !== null && now - this.#succeededAt >= STABLE_MS) this.#attempt = 0;
    this.#succeededAt = null;
    const attempt = this.#attempt++;
    if (retryAfterMs !== null) return Math.max(retryAfterMs, MIN_RETRY_AFTER_MS);
    if (isFirstImmediate && attempt === 0) return 0;
    return minMs + Math.floor(this.#random() * Math.min(maxMs, BASE_MS * 2 ** attempt));
  }
}
