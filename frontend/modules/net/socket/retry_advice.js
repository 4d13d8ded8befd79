/** What the server has said on one connection about the next one: in `drain`, and in an `error` before `welcome`. */

import { serverErrorText } from "../../error_text.js";

export class RetryAdvice {
  /** Why the server refuses this connection, for the person; empty if it does not. */
  refusal = "";
  /** @type {number | null} */
  #drainMs = null;
  /** How long a refusal lasts. @type {number | null} null: not known, as in an outage */
  #retryAfterMs = null;

  /** @param {import("../protocol.js").Drain} drain */
  drained({ reconnect_after_ms: drainMs }) {
    this.#drainMs = drainMs;
  }

  /**
   * The server refuses the connection and closes it next. A browser cannot read the HTTP error of a handshake.
   *
   * @param {import("../protocol.js").ErrorFrame} error
   */
  refused({ code, message, retry_after_ms: retryAfterMs = 0 }) {
    this.refusal = serverErrorText({ code, message }) ?? "";
    // An outage may end at any moment, and the same delay for all clients would bring them back at the same moment.
    this.#retryAfterMs = code === "unavailable" ? null : retryAfterMs;
  }

  /**
   * @param {import("./reconnect_policy.js").ReconnectPolicy} policy
   * @param {Exclude<import("./close_codes.js").Recovery, "stop">} recovery after the close code
   * @param {number} now
   * @returns {number} milliseconds until the next attempt
   */
  delay(policy, recovery, now) {
    const isOutage = this.refusal !== "" && this.#retryAfterMs === null;
    const delayMs = policy.delay(isOutage ? "retry" : recovery, now, this.#drainMs);
    return Math.max(delayMs, this.#retryAfterMs ?? 0);
  }
}
