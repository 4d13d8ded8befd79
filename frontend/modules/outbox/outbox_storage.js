/**
 * The outbox on disk, in IndexedDB, so that unsent messages survive a reload and a crash of the browser. Some private
 * windows have no IndexedDB, and a database that another tab blocks never opens: there the outbox is kept in memory, and
 * only a reload loses it.
 *
 * @typedef {object} OutboxStorage
 * @property {boolean} isDurable whether messages survive a reload
 * @property {(owner: string) => Promise<import("./pending_sends.js").PendingSend[]>} all
 * @property {(item: import("./pending_sends.js").PendingSend) => Promise<void>} put
 * @property {(cid: string) => Promise<void>} remove
 * @property {(owner: string, tab: string, live: Set<string>) => Promise<import("./pending_sends.js").PendingSend[]>} claim
 *   assigns to a tab the user's messages that belong to no live tab, and returns them. One step: two tabs never both
 *   get a message.
 * @property {(owner: string) => Promise<void>} clear
 * @property {() => void} close
 */

import { TimedOut, withTimeout } from "../clock.js";
import { DatabaseConnection } from "../offline/database.js";

const DATABASE = "cloudchat";
const STORE = "outbox";
/** IndexedDB answers in milliseconds. A message must not wait for a disk that hangs. */
const TIMEOUT_MS = 3_000;
/** After a timeout, do not use the disk for this long: otherwise every message would wait for it. */
const PAUSE_MS = 30_000;

/**
 * @param {import("../clock.js").Clock} clock
 * @returns {Promise<OutboxStorage>}
 */
export async function openOutboxStorage(clock) {
  const connection = new DatabaseConnection(DATABASE, (database) => {
    database.createObjectStore(STORE, { keyPath: "cid" });
  });
  try {
    await withTimeout(clock, TIMEOUT_MS, connection.open());
    return withTimeouts(databaseStorage(connection), clock);
  } catch (error) {
    console.warn("Unsent messages will not survive a reload in this window.", error);
    connection.close();
    return memoryStorage();
  }
}

/**
 * @param {DatabaseConnection} connection
 * @returns {OutboxStorage}
 */
function databaseStorage(connection) {
  /** @param {(store: IDBObjectStore) => void} change */
  const write = (change) => connection.write([STORE], change);
  /** @returns {Promise<import("./pending_sends.js").PendingSend[]>} */
  const readAll = () => connection.read(STORE, (store) => store.getAll());
  return {
    isDurable: true,
    all: async (owner) => (await readAll()).filter((item) => item.owner === owner),
    put: (item) => write((store) => store.put(item)),
    remove: (cid) => write((store) => store.delete(cid)),
    close: () => connection.close(),
    async claim(owner, tab, live) {
      /** @type {import("./pending_sends.js").PendingSend[]} */
      let claimed = [];
      await write((store) => {
        const request = store.getAll();
        request.onsuccess = () => {
          claimed = request.result
            .filter((item) => item.owner === owner && !live.has(item.tab))
            .map((item) => ({ ...item, tab }));
          claimed.forEach((item) => store.put(item));
        };
      });
      return claimed;
    },
    /** Messages of other users of this browser stay until their next sign-in. */
    async clear(owner) {
      const items = await readAll();
      const own = items.filter((item) => item.owner === owner);
      await write((store) => own.forEach(({ cid }) => store.delete(cid)));
      if (own.length === items.length) await connection.delete();
      else connection.close();
    },
  };
}

/**
 * @param {OutboxStorage} storage
 * @param {import("../clock.js").Clock} clock
 * @returns {OutboxStorage} whose operations end
 */
function withTimeouts(storage, clock) {
  let pausedUntil = 0;
  /**
   * @template {unknown[]} A
   * @template T
   * @param {(...args: A) => Promise<T>} operation
   * @returns {(...args: A) => Promise<T>}
   */
  const bounded =
    (operation) =>
    async (...args) => {
      if (clock.now() < pausedUntil) throw new TimedOut("the disk did not answer lately");
      try {
        return await withTimeout(clock, TIMEOUT_MS, operation(...args));
      } catch (error) {
        if (error instanceof TimedOut) pausedUntil = clock.now() + PAUSE_MS;
        throw error;
      }
    };
  return {
    isDurable: storage.isDurable,
    all: bounded(storage.all),
    put: bounded(storage.put),
    remove: bounded(storage.remove),
    claim: bounded(storage.claim),
    clear: bounded(storage.clear),
    close: storage.close,
  };
}

/** @returns {OutboxStorage} */
function memoryStorage() {
  /** @type {Map<string, import("./pending_sends.js").PendingSend>} */
  const items = new Map();
  return {
    isDurable: false,
    all: async (owner) => [...items.values()].filter((item) => item.owner === owner),
    put: async (item) => void items.set(item.cid, { ...item }),
    remove: async (cid) => void items.delete(cid),
    claim: async () => [],
    clear: async () => items.clear(),
    close() {},
  };
}
