/**
 * How the page recovers after each close code of the protocol: the table of src/cloudchat/protocol/close_codes.py, with
 * the texts for the person.
 *
 * @typedef {"retry" | "retry_now" | "back_off" | "refresh" | "stop"} Recovery
 *   retry: after full jitter, or after the delay that `drain` named.
 *   retry_now: at once. The page knows its position, and the server is healthy.
 *   back_off: after full jitter on top of a minimum delay. The server is overloaded or limits this client.
 *   refresh: with a new access token.
 *   stop: not without the person.
 *
 * @typedef {import("../../strings/strings.js").TextKey} TextKey
 *
 * @typedef {object} CloseRule
 * @property {Recovery} recovery
 * @property {TextKey} [reason] of a stop, for the person
 * @property {TextKey} [retryLabel] of a stop: label of the button that connects again
 * @property {boolean} [isFinal] of a stop: nothing that the person can do here connects again
 */

/** @type {CloseRule} */
const PROTOCOL_ERROR = {
  recovery: "stop",
  reason: "connection.reason.protocol",
  retryLabel: "connection.try_again",
};

/** @type {Record<number, CloseRule>} */
const RULES = {
  1003: PROTOCOL_ERROR,
  1007: PROTOCOL_ERROR,
  1009: PROTOCOL_ERROR,
  1012: { recovery: "retry" },
  4400: PROTOCOL_ERROR,
  4401: { recovery: "refresh" },
  4403: {
    recovery: "stop",
    reason: "connection.reason.account_disabled",
    isFinal: true,
  },
  4408: { recovery: "retry_now" },
  4409: {
    recovery: "stop",
    reason: "connection.reason.too_many_places",
    retryLabel: "connection.continue_here",
  },
  4429: { recovery: "back_off" },
  4503: { recovery: "back_off" },
};

/**
 * @param {number} code
 * @returns {CloseRule} an unknown code, and 1006 (no close frame at all), means a lost connection: retry
 */
export function closeRule(code) {
  return RULES[code] ?? { recovery: "retry" };
}
