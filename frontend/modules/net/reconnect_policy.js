/**
 * When to connect again. Separate from the socket, with time and randomness as arguments, so that the rule can be
 * tested without waiting: it keeps ten thousand browsers from reconnecting in the same instant.
 *
 * Full jitter (a random delay between zero and the exponential bound) spreads many clients best; plain exponential
 * delays keep them in step (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */

const BASE_MS = 1_000;
const MAX_MS = 30_000;
/** The minimum delay of back_off. */
const BACK_OFF_MS = 2_000;
/** After a connection that lived this long, the next failure counts as the first one. */
const STABLE_MS = 10_000;

/**
 * @param {number} attempt 0 for the first
 * @param {() => number} random in [0, 1)
 * @returns {number} milliseconds
 */
export function fullJitter(attempt, random) {
  return Math.floor(random() * Math.min(MAX_MS, BASE_MS * 2 ** attempt));
}

export class ReconnectPolicy {
  #random;
  #attempt = 0;
  /** @type {number | null} */
  #openedAt = null;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.#random = random;
  }

  /**
   * The server sent `welcome`.
   *
   * @param {number} now
   */
  opened(now) {
    this.#openedAt = now;
  }

  /**
   * The connection ended, or could not be opened. Return how long to wait.
   *
   * @param {Exclude<import("./close_codes.js").Recovery, "stop">} recovery
   * @param {number} now
   * @param {number | null} [serverDelayMs] the delay that a draining server named for this connection
   * @returns {number} milliseconds
   */
  delay(recovery, now, serverDelayMs = null) {
    // `welcome` alone does not reset the count: a server that accepts and closes at once would get requests in a loop.
    if (this.#openedAt !== null && now - this.#openedAt >= STABLE_MS) this.#attempt = 0;
    this.#openedAt = null;
    const attempt = this.#attempt++;
    if (serverDelayMs !== null) return serverDelayMs;
    const isImmediate = recovery === "retry_now" || recovery === "refresh";
    if (isImmediate && attempt === 0) return 0;
    return (recovery === "back_off" ? BACK_OFF_MS : 0) + fullJitter(attempt, this.#random);
  }
}
