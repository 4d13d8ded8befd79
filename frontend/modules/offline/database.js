/**
 * A connection to an IndexedDB database, opened when it is used. When another tab deletes the database, it closes and lets
 * that tab continue.
 */

export class DatabaseConnection {
  #name;
  #createStores;
  /** @type {Promise<IDBDatabase> | null} */
  #database = null;

  /**
   * @param {string} name
   * @param {(database: IDBDatabase) => void} createStores of a new database
   */
  constructor(name, createStores) {
    this.#name = name;
    this.#createStores = createStores;
  }

  /** @returns {Promise<IDBDatabase>} */
  open() {
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

  /** Delete the database. */
  async delete() {
    this.close();
    await resultOf(indexedDB.deleteDatabase(this.#name));
  }

  /**
   * @template T
   * @param {string} store
   * @param {(store: IDBObjectStore) => IDBRequest<T>} query
   * @returns {Promise<T>}
   */
  async read(store, query) {
    return resultOf(query((await this.open()).transaction(store).objectStore(store)));
  }

  /**
   * Resolves when the change is committed; its requests succeed before that.
   *
   * @param {string[]} stores
   * @param {(...stores: IDBObjectStore[]) => void} change
   */
  async write(stores, change) {
    const transaction = (await this.open()).transaction(stores, "readwrite");
    change(...stores.map((store) => transaction.objectStore(store)));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(undefined);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  async #open() {
    const request = indexedDB.open(this.#name, 1);
    request.onupgradeneeded = () => this.#createStores(request.result);
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
