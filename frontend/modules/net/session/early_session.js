/**
 * Continues the session of an earlier page while the rest of this one is being loaded. On a slow network the refresh and
 * the handshake of the socket take as long as the scripts, and need few bytes. `Session` uses the answer in place of its
 * first refresh, `Connection` the socket in place of its first one, if they are still valid then.
 */

import { socketUrl } from "../../config.js";
import { HeldSocket } from "../socket/held_socket.js";
import { socketLock, socketProtocols } from "../protocol.js";
import { takeTurn } from "./refresh_turn.js";
import { sendRequest } from "../http/request.js";

export const REFRESH_PATH = "/api/auth/refresh";
/** A refresh takes milliseconds: after a longer silence its answer is lost. */
export const REFRESH_TIMEOUT_MS = 4_000;
/** The token lasts for minutes, and its user counts them from when they use the answer. */
const MAX_AGE_MS = 10_000;

export class EarlySession {
  #clock;
  #locks;
  /** The answer to the refresh, until it is used. @type {Promise<Response> | null} */
  #answer = null;
  #usableUntil = 0;
  /** @type {HeldSocket | null} */
  #socket = null;
  #isClosed = false;

  /**
   * @param {object} options
   * @param {import("../../clock.js").Clock} options.clock
   * @param {Pick<LockManager, "request" | "query"> | null} [options.locks] null or missing: plain http
   */
  constructor({ clock, locks = navigator.locks }) {
    this.#clock = clock;
    this.#locks = locks;
  }

  /** @param {Promise<import("../../config.js").Config>} config */
  async start(config) {
    this.#usableUntil = this.#clock.now() + MAX_AGE_MS;
    this.#answer = config.then(({ api }) => takeTurn(this.#locks, this.#clock, () => requestRefresh(api)));
    try {
      const response = await this.#answer;
      this.#usableUntil = this.#clock.now() + MAX_AGE_MS;
      if (response.ok) await this.#openSocket(await config, await response.clone().json());
    } catch {
      // The code that uses the answer finds the error, or sends a request of its own.
    }
  }

  /**
   * Send a request. The first refresh has been sent already.
   *
   * @type {import("../http/request.js").SendRequest}
   */
  async send(origin, request) {
    const early = request.path === REFRESH_PATH ? this.#answer : null;
    if (early === null) return sendRequest(origin, request);
    this.#answer = null;
    return this.#clock.now() < this.#usableUntil ? early : sendRequest(origin, request);
  }

  /**
   * Return a socket: the one that was opened early, or a new one.
   *
   * @param {string} url
   * @param {string[]} protocols
   * @returns {WebSocket}
   */
  takeSocket(url, protocols) {
    const early = this.#socket;
    this.#socket = null;
    if (early?.isFor(protocols) === true) return early.release();
    early?.close();
    return new WebSocket(url, protocols);
  }

  /** The session has ended, or the socket was not used. */
  close() {
    this.#isClosed = true;
    this.#answer = null;
    this.#socket?.close();
    this.#socket = null;
  }

  /**
   * @param {import("../../config.js").Config} config
   * @param {Partial<import("../protocol.js").SessionAnswer>} answer
   */
  async #openSocket(config, { access_token: token, user }) {
    if (token === undefined || user === undefined || user.must_change_password) return;
    const { held = [] } = (await this.#locks?.query()) ?? {};
    // Another tab has the socket.
    if (this.#isClosed || held.some(({ name }) => name === socketLock(user.id))) return;
    this.#socket = new HeldSocket(socketUrl(config), socketProtocols(token));
    this.#clock.schedule(MAX_AGE_MS, () => this.close());
  }
}

/** @param {string} origin */
function requestRefresh(origin) {
  return sendRequest(origin, { method: "POST", path: REFRESH_PATH, body: {}, timeoutMs: REFRESH_TIMEOUT_MS });
}
