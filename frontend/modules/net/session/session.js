/**
 * The session of the signed-in user. The access token is kept in this object and nowhere else, so that a script that
 * was injected into the page finds nothing in storage. The refresh token is an HttpOnly cookie that no script can read.
 */

import { text } from "../../strings/strings.js";
import { isRejectedSession, RefreshRequests, requireSession } from "./refresh_requests.js";
import { takeTurn } from "./refresh_turn.js";
import { SessionMarker } from "./session_marker.js";

/** An access token that expires sooner than this is refreshed before it is used. */
const MIN_TOKEN_LIFE_MS = 30_000;

/** The server no longer accepts this session: the user has to sign in again. */
export class SessionEnded extends Error {}

/** The user who sent the request has signed out meanwhile, and perhaps in again: its outcome must be ignored. */
export class StaleRequest extends Error {}

export class Session {
  #api;
  #clock;
  #marker;
  #locks;
  #refreshRequests;
  #onUserChanged;
  /** @type {string | null} */
  #accessToken = null;
  #expiresAt = 0;
  /** Counts sign-outs: the outcome of a request from an earlier generation is ignored. */
  #generation = 0;
  /** @type {Promise<string> | null} One refresh at a time, shared by all callers. */
  #sharedRefresh = null;
  /** @type {Promise<unknown>} The logout request under way: its answer deletes the cookie that the next login sets. */
  #logoutRequest = Promise.resolve();
  /** @type {import("../protocol.js").User | null} */
  user = null;

  /**
   * @param {object} options
   * @param {import("../http/api.js").CallApi} options.api
   * @param {import("../../clock.js").Clock} options.clock
   * @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} options.storage
   * @param {Pick<LockManager, "request"> | null} [options.locks] null or missing (plain http): tabs do not take turns
   * @param {() => void} [options.onUserChanged] any answer may change the user: a new role, a second factor
   */
  constructor({ api, clock, storage, locks = navigator.locks, onUserChanged = () => {} }) {
    this.#api = api;
    this.#clock = clock;
    this.#marker = new SessionMarker(storage);
    this.#locks = locks;
    this.#refreshRequests = new RefreshRequests(api, clock);
    this.#onUserChanged = onUserChanged;
  }

  /** @returns {boolean} whether an earlier session may exist, so that `restore` is worth a request */
  get mayBeRestorable() {
    return this.#marker.isSet;
  }

  /**
   * Sign in.
   *
   * @param {string} username
   * @param {string} password
   * @param {string} [totp] one-time code or recovery code; empty without a second factor
   * @throws {ApiError}
   */
  async logIn(username, password, totp = "") {
    await Promise.allSettled([this.#logoutRequest, this.#refreshRequests.last]);
    const body = { username, password, ...(totp === "" ? {} : { totp }) };
    this.#accept(requireSession(await this.#api("POST", "/api/auth/login", body)));
  }

  /**
   * Create an account. Signing in is the next step.
   *
   * @param {string} username
   * @param {string} password
   * @param {string} invite may be empty
   * @throws {ApiError}
   */
  async register(username, password, invite) {
    await this.#api("POST", "/api/auth/register", { username, password, ...(invite === "" ? {} : { invite }) });
  }

  /**
   * Continue as the user of an earlier page, before the server has confirmed the session. The first request that needs a
   * token does that.
   *
   * @param {import("../protocol.js").User} user
   */
  resume(user) {
    this.user = user;
  }

  /**
   * Return an access token that is valid for a while.
   *
   * @returns {Promise<string>}
   * @throws {ApiError | SessionEnded | StaleRequest}
   */
  async accessToken() {
    const isValid = this.#expiresAt - this.#clock.now() > MIN_TOKEN_LIFE_MS;
    return this.#accessToken !== null && isValid ? this.#accessToken : this.refresh();
  }

  /**
   * Return a new access token.
   *
   * @returns {Promise<string>}
   * @throws {ApiError | SessionEnded | StaleRequest}
   */
  async refresh() {
    // The cookie may outlive a sign-out that did not reach the server: a late request must not sign the user in again.
    if (this.user === null) throw new StaleRequest();
    return this.restore();
  }

  /**
   * Continue the session of an earlier page. Returns an access token.
   *
   * @returns {Promise<string>}
   * @throws {ApiError | SessionEnded | StaleRequest}
   */
  restore() {
    if (this.#sharedRefresh === null) {
      const refresh = this.#refreshOnce().finally(() => {
        if (this.#sharedRefresh === refresh) this.#sharedRefresh = null;
      });
      this.#sharedRefresh = refresh;
    }
    return this.#sharedRefresh;
  }

  /**
   * Sign out, on the server too if it can be reached.
   *
   * @throws {ApiError} the user is signed out in this page all the same
   */
  async logOut() {
    const token = this.#accessToken;
    this.clear();
    this.#marker.remove();
    this.#logoutRequest = this.#api("POST", "/api/auth/logout", {}, token);
    await this.#logoutRequest;
  }

  /** Clear the session in this page. The cookie stays: it may belong to a user who signed in in another tab. */
  clear() {
    this.#generation += 1;
    this.#accessToken = null;
    this.#sharedRefresh = null;
    this.user = null;
  }

  /** @returns {Promise<string>} */
  async #refreshOnce() {
    const generation = this.#generation;
    const refresh = () => this.#refreshRequests.send(() => this.#requireCurrent(generation));
    let answer;
    try {
      answer = await takeTurn(this.#locks, this.#clock, refresh);
    } catch (error) {
      this.#requireCurrent(generation);
      if (!isRejectedSession(error)) throw error;
      this.clear();
      this.#marker.remove();
      throw new SessionEnded(error.message);
    }
    this.#requireCurrent(generation);
    if (this.user !== null && answer.user.id !== this.user.id) {
      // The cookie belongs to the other user, whose tabs and a reload of this one continue with it: keep the marker.
      this.clear();
      throw new SessionEnded(text("error.other_user"));
    }
    return this.#accept(answer);
  }

  /** @param {number} generation */
  #requireCurrent(generation) {
    if (generation !== this.#generation) throw new StaleRequest();
  }

  /** @param {import("../protocol.js").SessionAnswer} answer */
  #accept(answer) {
    this.#accessToken = answer.access_token;
    this.#expiresAt = this.#clock.now() + answer.expires_in * 1000;
    // Change the object in place: what holds a reference to it has the current role.
    this.user = Object.assign(this.user ?? {}, answer.user);
    this.#marker.set();
    this.#onUserChanged();
    return answer.access_token;
  }
}
