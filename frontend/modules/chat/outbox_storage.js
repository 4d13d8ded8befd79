/**
 * The outbox on disk: IndexedDB, because it survives a reload and a crash of the browser. Where a browser
 * has none (some private windows), memory: then everything works but the reload.
 */

const DATABASE = "cloudchat";
const STORE = "outbox";

/** @returns {Promise<{all: Function, put: Function, remove: Function, clear: Function, close(): void, durable: boolean}>} */
export async function openOutboxStorage() {
  const connection = new DatabaseConnection();
  try {
    await connection.get();
    return inDatabase(connection);
  } catch (error) {
    console.warn("Unsent messages will not survive a reload in this window.", error);
    return inMemory();
  }
}

/** Open while it is used: another tab that deletes the database must not wait, and this one goes on after that. */
class DatabaseConnection {
  /** @type {Promise<IDBDatabase> | null} */
  #opening = null;

  /** @returns {Promise<IDBDatabase>} */
  get() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  close() {
    this.#opening?.then((database) => database.close(), () => {});
    this.#opening = null;
  }

  async #open() {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "cid" });
    try {
      const database = await settled(opening);
      database.onversionchange = database.onclose = () => this.close();
      return database;
    } catch (error) {
      this.#opening = null;
      throw error;
    }
  }
}

/** @param {DatabaseConnection} connection */
function inDatabase(connection) {
  const write = async (change) => {
    const transaction = (await connection.get()).transaction(STORE, "readwrite");
    change(transaction.objectStore(STORE));
    // Stored means committed: a request's own success comes before that.
    await new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(undefined);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  };
  const everything = async () => settled((await connection.get()).transaction(STORE).objectStore(STORE).getAll());
  return {
    durable: true,
    all: async (owner) => (await everything()).filter((item) => item.owner === owner),
    put: (item) => write((store) => store.put(item)),
    remove: (cid) => write((store) => store.delete(cid)),
    close: () => connection.close(),
    /** What others wrote in this browser waits for their own next sign-in. */
    async clear(owner) {
      const items = await everything();
      const own = items.filter((item) => item.owner === owner);
      await write((store) => own.forEach(({ cid }) => store.delete(cid)));
      connection.close();
      if (own.length === items.length) await settled(indexedDB.deleteDatabase(DATABASE));
    },
  };
}

function inMemory() {
  const items = new Map();
  return {
    durable: false,
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
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
