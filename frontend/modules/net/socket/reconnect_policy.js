/** When to connect again after the connection ended: the close code's recovery, and the delay that the server named. */

import { MAX_RETRY_MS, RetryPolicy, STABLE_MS } from "../retry_policy.js";

/** The minimum delay of back_off. */
const BACK_OFF_MS = 2_000;
/**
 * The bound of the delays until a server has named one in `welcome`: a page must be back within 3 s of a server that is
 * ready again. A server with many sockets names a longer one, so that ten thousand browsers do not return at once.
 */
const RECONNECT_WITHIN_MS = 3_000;

export class ReconnectPolicy {
  #retries;
  #withinMs = RECONNECT_WITHIN_MS;
  /** @type {number | null} */
  #openedAt = null;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.#retries = new RetryPolicy({ random });
  }

  /**
   * The server sent `welcome`.
   *
   * @param {number} now
   * @param {number} [withinMs] `reconnect_within_ms` of `welcome`
   */
  opened(now, withinMs = RECONNECT_WITHIN_MS) {
    this.#openedAt = now;
    this.#withinMs = withinMs;
    this.#retries.succeeded(now);
  }

  /**
   * The connection ended, or could not be opened. Return how long to wait.
   *
   * @param {Exclude<import("./close_codes.js").Recovery, "stop">} recovery
   * @param {number} now
   * @param {number | null} [serverDelayMs] the delay that the server named for this connection
   * @returns {number} milliseconds
   */
  delay(recovery, now, serverDelayMs = null) {
    // A server that accepts and closes at once is not away: it would be loaded by pages that return within 3 s.
    const isUnstable = this.#openedAt !== null && now - this.#openedAt < STABLE_MS;
    this.#openedAt = null;
    const isBackOff = recovery === "back_off";
    const ms = this.#retries.delay(now, {
      isFirstImmediate: recovery === "retry_now" || recovery === "refresh",
      minMs: isBackOff ? BACK_OFF_MS : 0,
      maxMs: isBackOff || isUnstable ? MAX_RETRY_MS : this.#withinMs,
    });
    return serverDelayMs ?? ms;
  }
}
