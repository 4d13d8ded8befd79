/**
 * Who is signed in. The access token lives in this object and nowhere else (a script that got into the
 * page would find nothing in storage); the refresh token is an HttpOnly cookie that no script can read.
 */

import { ApiError } from "./api.js";

/** A token with less life than this is renewed before it is used. */
const MARGIN_MS = 30_000;
/**
 * Before each further try. Another tab may refresh just now, and its newer cookie arrive any moment; or an answer
 * got lost, and the server gives it once more within some seconds, and later takes the old cookie for a stolen one.
 */
const TRY_AGAIN_MS = [500, 500, 1_000, 1_000, 2_000, 2_000];
const PATIENCE_MS = 8_000;
/** A refresh is a matter of milliseconds: in silence that lasts longer, its answer got lost. */
const SILENCE_MS = 4_000;
/** Says only that a refresh cookie may exist, so that a first visit asks nothing in vain. */
const HINT = "cloudchat.signed_in";

/** The server no longer knows this sign-in: only a new one helps. */
export class SessionEnded extends Error {}

export class Session {
  #api;
  #clock;
  #storage;
  #locks;
  /** @type {string | null} */
  #token = null;
  #expiresAt = 0;
  /** @type {Promise<string> | null} */
  #refreshing = null;
  #era = 0;
  /** @type {Promise<any>} The sign-out on its way: its answer deletes the cookie that the next sign-in sets. */
  #leaving = Promise.resolve();
  #onUser;
  /** @type {{id: string, name: string, role: string, must_change_password?: boolean, totp_enabled?: boolean, must_set_up_totp?: boolean} | null} */
  user = null;

  /**
   * @param {object} options
   * @param {{post: (path: string, body: object, token?: string | null, timeoutMs?: number) => Promise<any>}} options.api
   * @param {import("./clock.js").Clock} options.clock
   * @param {Storage | null} options.storage
   * @param {LockManager | null} [options.locks] null or missing (plain http): tabs do not take turns
   * @param {() => void} [options.onUser] each answer may tell news about the user: another role, a second factor
   */
  constructor({ api, clock, storage, locks = navigator.locks, onUser = () => {} }) {
    this.#onUser = onUser;
    this.#api = api;
    this.#clock = clock;
    this.#storage = storage;
    this.#locks = locks;
  }

  /** @returns {boolean} whether asking the server for an earlier sign-in is worth a request */
  mayBeRestored() {
    return this.#storage === null || this.#storage.getItem(HINT) !== null;
  }

  /** @param {string} totp code or recovery code; "" without a second factor @throws {ApiError} */
  async logIn(username, password, totp = "") {
    await this.#leaving.catch(() => {});
    this.#accept(await this.#api.post("/api/auth/login", totp === "" ? { username, password } : { username, password, totp }));
  }

  /** Makes the account; signing in is the next step. @throws {ApiError} */
  async register(username, password, invite) {
    await this.#api.post("/api/auth/register", invite === "" ? { username, password } : { username, password, invite });
  }

  /** @returns {Promise<string>} a token that is good for a while @throws {ApiError | SessionEnded} */
  async token() {
    if (this.#token !== null && this.#expiresAt - this.#clock.now() > MARGIN_MS) return this.#token;
    return this.refresh();
  }

  /** @returns {Promise<string>} a new access token @throws {ApiError | SessionEnded} */
  refresh() {
    this.#refreshing ??= this.#refreshAlone().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Ends the sign-in here and, when it can be reached, on the server. */
  async logOut() {
    const token = this.#token;
    this.forget();
    this.#leaving = this.#api.post("/api/auth/logout", {}, token);
    await this.#leaving;
  }

  /** @throws {ApiError} */
  async changePassword(current, next) {
    const body = { current_password: current, new_password: next };
    await this.#api.post("/api/auth/password", body, await this.token());
    this.user.must_change_password = false;
  }

  forget() {
    this.#era += 1;
    this.#token = null;
    this.user = null;
    this.#storage?.removeItem(HINT);
  }

  async #refreshAlone() {
    // Each use rotates the refresh token: so tabs take turns.
    const era = this.#era;
    const refresh = () => this.#exchange(era);
    try {
      const answer = await (this.#locks ? this.#locks.request("cloudchat.refresh", refresh) : refresh());
      // Logged out while the answer was on its way: it must not sign the person in again.
      if (era !== this.#era) throw new SessionEnded("You signed out.");
      this.#accept(answer);
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) throw error;
      this.forget();
      throw new SessionEnded(error.message);
    }
    return this.#token;
  }

  async #exchange(era) {
    const giveUpAt = this.#clock.now() + PATIENCE_MS;
    for (const pause of [...TRY_AGAIN_MS, null]) {
      try {
        return await this.#api.post("/api/auth/refresh", {}, null, SILENCE_MS);
      } catch (error) {
        const mayPass = error.status === 409 || error.status === 0 || error.status >= 500;
        if (!mayPass || pause === null || this.#clock.now() + pause > giveUpAt) throw error;
        await new Promise((resolve) => this.#clock.after(Math.max(pause, error.retryAfterMs ?? 0), () => resolve(undefined)));
      }
      if (era !== this.#era) throw new SessionEnded("You signed out.");
    }
  }

  #accept(answer) {
    this.#token = answer.access_token;
    this.#expiresAt = this.#clock.now() + answer.expires_in * 1000;
    this.user = { ...this.user, ...answer.user };
    this.#storage?.setItem(HINT, "1");
    this.#onUser();
  }
}
