/** The requests that refresh a session, repeated after temporary failures, and what their answers mean. */

import { sleep } from "../../clock.js";
import { ApiError, foreignAnswer } from "../http/api.js";
import { REFRESH_PATH, REFRESH_TIMEOUT_MS } from "./early_session.js";

/**
 * Pauses before each retry of a refresh. Another tab may be refreshing, and its newer cookie arrives any moment. Or an
 * answer was lost: the server repeats it for some seconds, and afterwards treats the used cookie as stolen.
 */
const REFRESH_RETRY_DELAYS_MS = [500, 500, 1_000, 1_000, 2_000, 2_000];
const MAX_REFRESH_MS = 8_000;

export class RefreshRequests {
  #api;
  #clock;
  /** @type {Promise<unknown>} The last request: its answer overwrites the cookie that the next login sets. */
  last = Promise.resolve();

  /**
   * @param {import("../http/api.js").CallApi} api
   * @param {import("../../clock.js").Clock} clock
   */
  constructor(api, clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /**
   * @param {() => void} requireCurrent throws if the answer is no longer wanted
   * @returns {Promise<import("../protocol.js").SessionAnswer>}
   * @throws {ApiError}
   */
  async send(requireCurrent) {
    const deadline = this.#clock.now() + MAX_REFRESH_MS;
    for (const delayMs of [...REFRESH_RETRY_DELAYS_MS, Infinity]) {
      requireCurrent();
      try {
        const request = this.#api("POST", REFRESH_PATH, {}, null, REFRESH_TIMEOUT_MS);
        this.last = request;
        return requireSession(await request);
      } catch (error) {
        if (!isTemporary(error) || this.#clock.now() + delayMs > deadline) throw error;
        await sleep(this.#clock, Math.max(delayMs, error.retryAfterMs ?? 0));
      }
    }
    throw new Error("unreachable: the last delay is infinite");
  }
}

/**
 * @param {any} answer to a sign-in or a refresh
 * @returns {import("../protocol.js").SessionAnswer}
 * @throws {ApiError} if it does not come from cloudchat
 */
export function requireSession(answer) {
  const isSession =
    typeof answer?.access_token === "string" && answer.expires_in > 0 && typeof answer.user?.id === "string";
  if (!isSession) throw foreignAnswer();
  return answer;
}

/**
 * 409: another tab's refresh was first. 0: no answer.
 *
 * @param {unknown} error
 * @returns {error is ApiError}
 */
function isTemporary(error) {
  return error instanceof ApiError && (error.status === 409 || error.status === 0 || error.status >= 500);
}

/**
 * An answer without a code does not come from the server: a storage bucket or a proxy knows nothing about sessions.
 *
 * @param {unknown} error
 * @returns {error is ApiError}
 */
export function isRejectedSession(error) {
  return error instanceof ApiError && error.code !== null && (error.status === 401 || error.status === 403);
}
