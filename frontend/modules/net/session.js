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

/** Whoever asked has signed out meanwhile, and perhaps in again: nobody waits for the outcome, and nobody is told. */
export class Overtaken extends Error {}

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
  /** @type {Promise<any>} The refresh on its way: its answer overwrites that cookie. */
  #exchanging = Promise.resolve();
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
    await Promise.allSettled([this.#leaving, this.#exchanging]);
    this.#accept(await this.#api.post("/api/auth/login", totp === "" ? { username, password } : { username, password, totp }));
  }

  /** Makes the account; signing in is the next step. @throws {ApiError} */
  async register(username, password, invite) {
    await this.#api.post("/api/auth/register", invite === "" ? { username, password } : { username, password, invite });
  }

  /** @returns {Promise<string>} a token that is good for a while @throws {ApiError | SessionEnded | Overtaken} */
  async token() {
    if (this.#token !== null && this.#expiresAt - this.#clock.now() > MARGIN_MS) return this.#token;
    return this.refresh();
  }

  /** @returns {Promise<string>} a new access token @throws {ApiError | SessionEnded | Overtaken} */
  async refresh() {
    // The cookie may outlive a sign-out that the server never heard of: a late request must not bring it back.
    if (this.user === null) throw new Overtaken();
    return this.restore();
  }

  /** Goes on with an earlier page's sign-in. @returns {Promise<string>} @throws {ApiError | SessionEnded | Overtaken} */
  restore() {
    if (this.#refreshing === null) {
      const mine = this.#refreshAlone().finally(() => {
        if (this.#refreshing === mine) this.#refreshing = null;
      });
      this.#refreshing = mine;
    }
    return this.#refreshing;
  }

  /** Ends the sign-in here and, when it can be reached, on the server. */
  async logOut() {
    const token = this.#token;
    this.forget();
    this.#storage?.removeItem(HINT);
    this.#leaving = this.#api.post("/api/auth/logout", {}, token);
    await this.#leaving;
  }

  /** What this page knows. A cookie may be left, perhaps that of somebody who signed in in another tab. */
  forget() {
    this.#era += 1;
    this.#token = null;
    this.#refreshing = null;
    this.user = null;
  }

  async #refreshAlone() {
    // Each use rotates the refresh token: so tabs take turns.
    const era = this.#era;
    const refresh = () => this.#exchange(era);
    let answer;
    try {
      answer = await (this.#locks ? this.#locks.request("cloudchat.refresh", refresh) : refresh());
    } catch (error) {
      this.#mustStillBe(era);
      if (!isRefusal(error)) throw error;
      this.forget();
      this.#storage?.removeItem(HINT);
      throw new SessionEnded(error.message);
    }
    this.#mustStillBe(era);
    if (this.user !== null && answer.user.id !== this.user.id) {
      // The cookie is theirs, and their tabs and a reload of this one go on with it: so the hint stays.
      this.forget();
      throw new SessionEnded("Somebody else signed in in this browser.");
    }
    this.#accept(answer);
    return this.#token;
  }

  async #exchange(era) {
    const giveUpAt = this.#clock.now() + PATIENCE_MS;
    for (const pause of [...TRY_AGAIN_MS, null]) {
      this.#mustStillBe(era);
      try {
        this.#exchanging = this.#api.post("/api/auth/refresh", {}, null, SILENCE_MS);
        return await this.#exchanging;
      } catch (error) {
        const mayPass = error.status === 409 || error.status === 0 || error.status >= 500;
        if (!mayPass || pause === null || this.#clock.now() + pause > giveUpAt) throw error;
        await new Promise((resolve) => this.#clock.after(Math.max(pause, error.retryAfterMs ?? 0), () => resolve(undefined)));
      }
    }
  }

  #mustStillBe(era) {
    if (era !== this.#era) throw new Overtaken();
  }

  #accept(answer) {
    this.#token = answer.access_token;
    this.#expiresAt = this.#clock.now() + answer.expires_in * 1000;
    this.user = { ...this.user, ...answer.user };
    this.#storage?.setItem(HINT, "1");
    this.#onUser();
  }
}

/** Without a code it is not the server that speaks: a bucket or a proxy knows nothing of sign-ins. */
function isRefusal(error) {
  return error instanceof ApiError && error.code !== null && (error.status === 401 || error.status === 403);
}
