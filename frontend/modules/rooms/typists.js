/** Who is typing in a room. The server repeats the event every 3 s while someone types, and says nothing at the end. */

const EXPIRE_MS = 5_000;

export class Typists {
  #clock;
  #onChange;
  /** @type {Map<string, {user: import("../net/protocol.js").Author, cancel: () => void}>} */
  #typists = new Map();

  /**
   * @param {import("../clock.js").Clock} clock
   * @param {() => void} onChange
   */
  constructor(clock, onChange) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** @returns {readonly import("../net/protocol.js").Author[]} the first who began first */
  get users() {
    return Array.from(this.#typists.values(), ({ user }) => user);
  }

  /** @param {import("../net/protocol.js").Author} user */
  add(user) {
    const known = this.#typists.get(user.id);
    known?.cancel();
    const cancel = this.#clock.schedule(EXPIRE_MS, () => this.remove(user.id));
    this.#typists.set(user.id, { user, cancel });
    if (known === undefined) this.#onChange();
  }

  /** @param {string} userId whose message arrived */
  remove(userId) {
    this.#typists.get(userId)?.cancel();
    if (this.#typists.delete(userId)) this.#onChange();
  }

  clear() {
    for (const userId of [...this.#typists.keys()]) this.remove(userId);
  }
}
