/**
 * When to try again. Apart from the socket, with time and randomness as arguments: the rule that keeps
 * ten thousand browsers from coming back in the same instant is worth testing without waiting for it.
 *
 * Full jitter (a random point between nothing and the exponential bound) spreads a crowd best; plain
 * exponential delays keep it marching in step.
 */

const FIRST_BOUND_MS = 1_000;
const LAST_BOUND_MS = 30_000;
const BACK_OFF_FLOOR_MS = 2_000;
/** A connection that lived this long was a good one: the next failure is a first one again. */
const STABLE_MS = 10_000;

/**
 * @param {number} attempt 0 for the first
 * @param {() => number} random in [0, 1)
 * @returns {number} milliseconds
 */
export function fullJitter(attempt, random) {
  return Math.floor(random() * Math.min(LAST_BOUND_MS, FIRST_BOUND_MS * 2 ** attempt));
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

  /** The server said welcome. @param {number} now */
  opened(now) {
    this.#openedAt = now;
  }

  /**
   * The connection, or the attempt at one, is over.
   *
   * @param {"retry" | "retry_now" | "back_off" | "refresh"} then from the close code
   * @param {number} now
   * @param {number | null} [drainMs] the delay that a draining server named for this connection
   * @returns {number} milliseconds to wait
   */
  delay(then, now, drainMs = null) {
    // Welcome alone resets nothing: a server that greets and closes would otherwise be hammered.
    if (this.#openedAt !== null && now - this.#openedAt >= STABLE_MS) this.#attempt = 0;
    this.#openedAt = null;
    const attempt = this.#attempt++;
    if (drainMs !== null) return drainMs;
    const immediate = then === "retry_now" || then === "refresh";
    if (immediate && attempt === 0) return 0;
    return (then === "back_off" ? BACK_OFF_FLOOR_MS : 0) + fullJitter(attempt, this.#random);
  }
}
