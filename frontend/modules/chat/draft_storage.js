/**
 * Unfinished messages, one per user and room. They survive a reload and an ended session, and are deleted at sign-out.
 * They are kept in localStorage, which is written before the page can be closed. Where the browser refuses it, or it is
 * full, they are kept in memory.
 */

const PREFIX = "cloudchat.draft.";

export class DraftStorage {
  #storage;
  /** @type {Map<string, string>} */
  #memory = new Map();

  /** @param {Storage | null} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /**
   * @param {string} owner id of the user
   * @param {string} room
   * @returns {string}
   */
  get(owner, room) {
    return this.#read(keyOf(owner, room));
  }

  /**
   * @param {string} owner
   * @param {string} room
   * @param {string} text empty: the draft is deleted
   */
  set(owner, room, text) {
    const key = keyOf(owner, room);
    this.#memory.delete(key);
    try {
      if (text === "") this.#storage?.removeItem(key);
      else if (this.#storage === null) this.#memory.set(key, text);
      else this.#storage.setItem(key, text);
    } catch {
      this.#memory.set(key, text); // the quota is used up
    }
  }

  /**
   * Call back when another tab changes a draft.
   *
   * @param {string} owner
   * @param {string} room
   * @param {(text: string) => void} listener
   * @param {AbortSignal} signal ends it
   */
  watch(owner, room, listener, signal) {
    window.addEventListener(
      "storage",
      ({ key }) => {
        if (key !== keyOf(owner, room)) return;
        this.#memory.delete(key);
        // Not the event's value: with several events on their way, it is older than what is stored.
        listener(this.#read(key));
      },
      { signal },
    );
  }

  /**
   * Return how many drafts a user has. A draft of spaces alone does not count.
   *
   * @param {string} owner
   * @returns {number}
   */
  count(owner) {
    return [...this.#keys(owner)].filter((key) => this.#read(key).trim() !== "").length;
  }

  /**
   * Delete the drafts of a user.
   *
   * @param {string} owner
   */
  clear(owner) {
    for (const key of this.#keys(owner)) {
      this.#memory.delete(key);
      this.#storage?.removeItem(key);
    }
  }

  /** @param {string} key */
  #read(key) {
    return this.#memory.get(key) ?? this.#storage?.getItem(key) ?? "";
  }

  /**
   * @param {string} owner
   * @returns {Set<string>}
   */
  #keys(owner) {
    const { length } = this.#storage ?? { length: 0 };
    const stored = Array.from({ length }, (_, index) => this.#storage?.key(index) ?? "");
    return new Set([...this.#memory.keys(), ...stored].filter((key) => key.startsWith(keyOf(owner, ""))));
  }
}

/**
 * @param {string} owner
 * @param {string} room
 */
function keyOf(owner, room) {
  return `${PREFIX}${owner}.${room}`;
}
