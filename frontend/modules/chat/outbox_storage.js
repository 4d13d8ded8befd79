/**
 * The outbox on disk, in IndexedDB, so that unsent messages survive a reload and a crash of the browser. Some private
 * windows have no IndexedDB: there the outbox is kept in memory, and only a reload loses it.
 *
 * @typedef {object} OutboxStorage
 * @property {(owner: string) => Promise<import("./outbox.js").PendingSend[]>} all
 * @property {(item: import("./outbox.js").PendingSend) => Promise<void>} put
 * @property {(cid: string) => Promise<void>} remove
 * @property {(owner: string) => Promise<void>} clear
 * @property {() => void} close
 */

const DATABASE = "cloudchat";
const STORE = "outbox";

/** @returns {Promise<OutboxStorage>} */
export async function openOutboxStorage() {
  const connection = new DatabaseConnection();
  try {
    await connection.get();
    return databaseStorage(connection);
  } catch (error) {
    console.warn("Unsent messages will not survive a reload in this window.", error);
    return memoryStorage();
  }
}

/** Opens the database when it is used. When another tab deletes the database, it closes and lets that tab continue. */
class DatabaseConnection {
  /** @type {Promise<IDBDatabase> | null} */
  #database = null;

  /** @returns {Promise<IDBDatabase>} */
  get() {
    this.#database ??= this.#open();
    return this.#database;
  }

  close() {
    this.#database?.then(
      (database) => database.close(),
      () => {},
    );
    this.#database = null;
  }

  async #open() {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "cid" });
    try {
      const database = await resultOf(request);
      database.onversionchange = () => this.close();
      database.onclose = () => this.close();
      return database;
    } catch (error) {
      this.#database = null;
      throw error;
    }
  }
}

/**
 * @param {DatabaseConnection} connection
 * @returns {OutboxStorage}
 */
function databaseStorage(connection) {
  /** @param {(store: IDBObjectStore) => void} change */
  const write = async (change) => {
    const transaction = (await connection.get()).transaction(STORE, "readwrite");
    change(transaction.objectStore(STORE));
    // Stored means committed; a request succeeds before that.
    await new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(undefined);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  };
  /** @returns {Promise<import("./outbox.js").PendingSend[]>} */
  const readAll = async () => resultOf((await connection.get()).transaction(STORE).objectStore(STORE).getAll());
  return {
    all: async (owner) => (await readAll()).filter((item) => item.owner === owner),
    put: (item) => write((store) => store.put(item)),
    remove: (cid) => write((store) => store.delete(cid)),
    close: () => connection.close(),
    /** Messages of other users of this browser stay until their next sign-in. */
    async clear(owner) {
      const items = await readAll();
      const own = items.filter((item) => item.owner === owner);
      await write((store) => own.forEach(({ cid }) => store.delete(cid)));
      connection.close();
      if (own.length === items.length) await resultOf(indexedDB.deleteDatabase(DATABASE));
    },
  };
}

/** @returns {OutboxStorage} */
function memoryStorage() {
  /** @type {Map<string, import("./outbox.js").PendingSend>} */
  const items = new Map();
  return {
    all: async (owner) => [...items.values()].filter((item) => item.owner === owner),
    put: async (item) => void items.set(item.cid, { ...item }),
    remove: async (cid) => void items.delete(cid),
    clear: async () => items.clear(),
    close() {},
  };
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
