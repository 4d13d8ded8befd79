/**
 * What the browser keeps of the rooms of one account, in IndexedDB: the page opens with it before, or without, a
 * connection. It is a copy: where it is missing, refused or full, the page works without it.
 *
 * It belongs to one account at a time. The first sign-in of a user gets a key, which a sign-out deletes. A write with
 * another key changes nothing: a tab that has not noticed the sign-out of another one cannot bring anything back.
 *
 * @typedef {object} Account
 * @property {string} key
 * @property {import("../net/protocol.js").User} user
 * @property {number} savedAt milliseconds since 1970: what happened later is not here
 * @property {string} shown id of the room that was shown last
 *
 * @typedef {object} CachedRoom
 * @property {string} id
 * @property {number} order as the server lists the rooms
 * @property {import("../net/protocol.js").RoomInfo} info
 * @property {number} unread
 * @property {number} mentions
 *
 * @typedef {import("./cached_content.js").CachedContent} CachedContent
 *
 * @typedef {object} CacheChanges
 * @property {Pick<Account, "savedAt" | "shown">} account
 * @property {CachedRoom[]} rooms
 * @property {CachedContent[]} contents without events: the stored content is deleted
 * @property {string[]} left ids of rooms that are not the user's any more
 */

import { withTimeout } from "../clock.js";
import { newCid } from "../chat/cid.js";
import { DatabaseConnection } from "./database.js";

const DATABASE = "cloudchat.rooms";
const [ACCOUNT, ROOMS, CONTENTS] = ["account", "rooms", "contents"];
const ALL_STORES = [ACCOUNT, ROOMS, CONTENTS];
const ACCOUNT_KEY = "account";
/** A page must not wait for a disk that hangs. */
const TIMEOUT_MS = 3_000;
/** The content of the rooms that were not written for longest is deleted first. */
const MAX_CONTENTS = 100;

export class RoomCache {
  #clock;
  #connection = new DatabaseConnection(DATABASE, (database) => {
    database.createObjectStore(ACCOUNT);
    database.createObjectStore(ROOMS, { keyPath: "id" });
    database.createObjectStore(CONTENTS, { keyPath: "room" }).createIndex("writtenAt", "writtenAt");
  });
  /** @type {string | null} of the account that is signed in here; null: nothing is written */
  #key = null;
  /** Counts sign-outs: an account that was being opened before is not begun. */
  #generation = 0;

  /** @param {import("../clock.js").Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  // -- Reading --

  /** @returns {Promise<Account | null>} whose rooms are here */
  account() {
    return this.#read(this.#storedAccount(), null);
  }

  /** @returns {Promise<CachedRoom[]>} as the server lists them */
  async rooms() {
    /** @type {CachedRoom[]} */
    const rooms = await this.#read(
      this.#connection.read(ROOMS, (store) => store.getAll()),
      [],
    );
    return rooms.sort((a, b) => a.order - b.order);
  }

  /** @returns {Promise<string[]>} ids */
  async roomsWithContent() {
    const keys = await this.#read(
      this.#connection.read(CONTENTS, (store) => store.getAllKeys()),
      [],
    );
    return keys.map(String);
  }

  /**
   * @param {string} room id
   * @returns {Promise<CachedContent | null>}
   */
  async content(room) {
    return (
      (await this.#read(
        this.#connection.read(CONTENTS, (store) => store.get(room)),
        null,
      )) ?? null
    );
  }

  // -- Writing --

  /**
   * The user is signed in: continue with their rooms, or begin with none.
   *
   * @param {import("../net/protocol.js").User} user
   * @returns {Promise<Account | null>} null: nothing is here yet
   */
  async open(user) {
    const generation = this.#generation;
    const account = await this.account();
    if (generation !== this.#generation) return null;
    if (account?.user.id === user.id) {
      this.#key = account.key;
      return account;
    }
    const key = newCid();
    const begun = this.#connection.write(ALL_STORES, (accounts, rooms, contents) => {
      for (const store of [rooms, contents]) store.clear();
      accounts.put({ key, user, savedAt: 0, shown: "" }, ACCOUNT_KEY);
    });
    const begunKey = begun.then(() => key);
    const stored = await this.#read(begunKey, null);
    if (generation === this.#generation) this.#key = stored;
    return null;
  }

  /**
   * @param {import("../net/protocol.js").User} user with the current role
   * @param {CacheChanges} changes
   */
  async write(user, changes) {
    const key = this.#key;
    if (key === null) return;
    try {
      await this.#connection.write(ALL_STORES, (accounts, rooms, contents) => {
        const reading = accounts.get(ACCOUNT_KEY);
        reading.onsuccess = () => {
          if (reading.result?.key === key) apply(changes, { rooms, contents, now: this.#clock.now() });
          if (reading.result?.key === key) accounts.put({ key, user, ...changes.account }, ACCOUNT_KEY);
          else this.#key = null;
        };
      });
    } catch (error) {
      // For example, the quota is used up. An old copy is of no use: the next page begins with none.
      this.#key = null;
      console.warn("What was loaded is not kept in this browser.", error);
      await this.#read(this.#connection.delete(), undefined);
    }
  }

  /**
   * Delete everything, if it belongs to this user: another one may have signed in in another tab.
   *
   * @param {string} userId
   */
  async clear(userId) {
    this.#generation += 1;
    this.#key = null;
    const account = await this.account();
    if (account === null || account.user.id === userId) await this.#read(this.#connection.delete(), undefined);
    else this.#connection.close();
  }

  // -- Internal --

  /** @returns {Promise<Account | null>} */
  async #storedAccount() {
    return (await this.#connection.read(ACCOUNT, (store) => store.get(ACCOUNT_KEY))) ?? null;
  }

  /**
   * @template T
   * @param {Promise<T>} step
   * @param {T} otherwise
   * @returns {Promise<T>}
   */
  async #read(step, otherwise) {
    return withTimeout(this.#clock, TIMEOUT_MS, step).catch((error) => {
      console.warn("The rooms that were loaded earlier cannot be read.", error);
      return otherwise;
    });
  }
}

/**
 * @param {CacheChanges} changes
 * @param {{rooms: IDBObjectStore, contents: IDBObjectStore, now: number}} place
 */
function apply(changes, { rooms, contents, now }) {
  for (const room of changes.rooms) rooms.put(room);
  for (const content of changes.contents) {
    if (content.events.length === 0) contents.delete(content.room);
    else contents.put({ ...content, writtenAt: now });
  }
  for (const id of changes.left) {
    rooms.delete(id);
    contents.delete(id);
  }
  const counting = contents.count();
  counting.onsuccess = () => {
    let excess = counting.result - MAX_CONTENTS;
    if (excess <= 0) return;
    const oldest = contents.index("writtenAt").openCursor();
    oldest.onsuccess = () => {
      if (oldest.result === null || excess <= 0) return;
      excess -= 1;
      oldest.result.delete();
      oldest.result.continue();
    };
  };
}
