/**
 * The outbox on disk: IndexedDB, because it survives a reload and a crash of the browser. Where a browser
 * has none (some private windows), memory: then everything works but the reload.
 */

const DATABASE = "cloudchat";
const STORE = "outbox";

/** @returns {Promise<{all: Function, put: Function, remove: Function, clear: Function, durable: boolean}>} */
export async function openOutboxStorage() {
  try {
    return inDatabase(await openDatabase());
  } catch (error) {
    console.warn("Unsent messages will not survive a reload in this window.", error);
    return inMemory();
  }
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "cid" });
  return settled(opening);
}

/** @param {IDBDatabase} database */
function inDatabase(database) {
  // Another tab that logs out deletes the database; holding on to it would block that.
  database.onversionchange = () => database.close();
  const write = async (change) => {
    const transaction = database.transaction(STORE, "readwrite");
    change(transaction.objectStore(STORE));
    // Stored means committed: a request's own success comes before that.
    await new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(undefined);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  };
  return {
    durable: true,
    async all(owner) {
      const items = await settled(database.transaction(STORE).objectStore(STORE).getAll());
      return items.filter((item) => item.owner === owner);
    },
    put: (item) => write((store) => store.put(item)),
    remove: (cid) => write((store) => store.delete(cid)),
    async clear() {
      await write((store) => store.clear());
      database.close();
      indexedDB.deleteDatabase(DATABASE);
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
