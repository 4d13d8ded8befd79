/**
 * Whether a refresh cookie may exist, which no script can see: so a first visit sends no request that must fail. The marker
 * is in localStorage, and its removal tells the other tabs that the session has ended.
 */

const KEY = "cloudchat.signed_in";

/**
 * Return the browser's storage, or null if the browser refuses it. The page works without it.
 *
 * @returns {Storage | null}
 */
export function openLocalStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

export class SessionMarker {
  #storage;

  /** @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} storage null: the browser refuses it */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @returns {boolean} */
  get isSet() {
    return this.#storage === null || this.#storage.getItem(KEY) !== null;
  }

  set() {
    this.#storage?.setItem(KEY, "1");
  }

  remove() {
    this.#storage?.removeItem(KEY);
  }
}

/**
 * Call back when another tab ends the session that all tabs share.
 *
 * @param {() => void} listener
 */
export function onEndedInOtherTab(listener) {
  window.addEventListener("storage", ({ key, newValue }) => {
    if (key === KEY && newValue === null) listener();
  });
}
