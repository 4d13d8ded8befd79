/**
 * The protocol's close codes, and what this page does after each: one table, as on the server.
 *
 * then: retry     – full jitter (or the delay that `drain` named)
 *       retry_now – at once, the position is known
 *       back_off  – full jitter on top of a floor: the server asked for room
 *       refresh   – a new access token first
 *       stop      – terminal; `text` tells the person why, `again` labels the button that tries once more
 *
 * @typedef {{then: "retry" | "retry_now" | "back_off" | "refresh" | "stop", text?: string, again?: string}} CloseRule
 */

const OUR_FAULT = "This page and the server do not understand each other. Reloading the page usually mends that.";

/** @type {Record<number, CloseRule>} */
const RULES = {
  1003: { then: "stop", text: OUR_FAULT, again: "Try again" },
  1007: { then: "stop", text: OUR_FAULT, again: "Try again" },
  1009: { then: "stop", text: OUR_FAULT, again: "Try again" },
  1012: { then: "retry" },
  4400: { then: "stop", text: OUR_FAULT, again: "Try again" },
  4401: { then: "refresh" },
  4403: { then: "stop", text: "This account has been disabled. Ask an administrator if you think that is a mistake." },
  4408: { then: "retry_now" },
  4409: { then: "stop", text: "You opened the chat in too many places, so this one was paused.", again: "Continue here" },
  4429: { then: "back_off" },
  4503: { then: "back_off" },
};

/**
 * @param {number} code
 * @returns {CloseRule} an unknown code, and 1006 (no close frame at all), is a lost connection
 */
export function closeRule(code) {
  return RULES[code] ?? { then: "retry" };
}
