/**
 * Why sockets do not open: counts those that ended without a reason, checks whether the server answers HTTP requests, and
 * decides whether the next attempt can succeed.
 */

import { text } from "../../strings/strings.js";

/** After so many sockets that did not open, look for the reason. */
const MIN_FAILURES = 2;
/** During a long outage, every so many attempts open a socket even if no HTTP request is answered. */
const SOCKET_EVERY = 5;
/** Each check is a request to the server, and all users of an address share one rate limit. */
const INTERVAL_MS = 30_000;

export class OutageDiagnosis {
  #isServerReachable;
  #isAnswering;
  /** Sockets in a row that ended before `welcome` without a reason. */
  #failures = 0;
  #skipped = 0;
  #diagnosedAt = -Infinity;
  /** As far as the page found out, for the person; empty: not known. */
  reason = "";

  /**
   * @param {object} options
   * @param {() => Promise<boolean>} options.isServerReachable whether the server answers HTTP requests
   * @param {() => Promise<boolean>} options.isAnswering whether anything answers there; cheaper
   */
  constructor({ isServerReachable, isAnswering }) {
    this.#isServerReachable = isServerReachable;
    this.#isAnswering = isAnswering;
  }

  /** A socket is open. */
  opened() {
    this.#failures = 0;
    this.reason = "";
  }

  /** A socket ended before `welcome`, without a reason. */
  failed() {
    this.#failures += 1;
  }

  /**
   * Return whether to skip this attempt. Chromium delays a socket by up to 5 s after many that failed, so during a long
   * outage the page asks by HTTP whether the server is back. Something in between might answer sockets only: then every
   * fifth attempt still opens one.
   */
  async isAway() {
    if (this.#failures < MIN_FAILURES) return false;
    this.#skipped = (this.#skipped + 1) % SOCKET_EVERY;
    return this.#skipped !== 0 && !(await this.#isAnswering());
  }

  /**
   * Look for the reason, if enough sockets have failed. If the server answers HTTP requests, something in between is at
   * fault.
   *
   * @param {number} now
   */
  async look(now) {
    if (this.#failures < MIN_FAILURES || now - this.#diagnosedAt < INTERVAL_MS) return;
    this.#diagnosedAt = now;
    const isReachable = await this.#isServerReachable().catch(() => false);
    if (this.#failures < MIN_FAILURES) return;
    this.reason = isReachable ? text("connection.reason.no_upgrade") : "";
  }
}
