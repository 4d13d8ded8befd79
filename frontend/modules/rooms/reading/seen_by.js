/** Up to where the other people of a direct room have read it. What is lost with the connection is loaded again. */

/**
 * @typedef {object} SeenMark
 * @property {number} seq of the newest own message that someone has read
 * @property {string[]} names of those who have read it
 * @property {boolean} isAll whether these are all of the others
 */

export class SeenBy {
  #room;
  #api;
  #onChange;
  /** @type {Map<string, number>} user → seq */
  #seqs = new Map();

  /**
   * @param {Pick<import("../room.js").Room, "id" | "info" | "self" | "log">} room
   * @param {Pick<import("../room_api.js").RoomApi, "get">} api
   * @param {() => void} onChange
   */
  constructor(room, api, onChange) {
    this.#room = room;
    this.#api = api;
    this.#onChange = onChange;
  }

  /** @returns {SeenMark | null} null: no one has read a message of the user that is loaded */
  get mark() {
    const others = (this.#room.info.users ?? []).filter(({ id }) => id !== this.#room.self.id);
    const newest = Math.max(0, ...others.map(({ id }) => this.#seqs.get(id) ?? 0));
    const own = this.#room.log.items.findLast(
      (item) => item.kind === "message" && item.user.id === this.#room.self.id && item.seq <= newest && !item.deleted,
    );
    if (own?.kind !== "message") return null;
    const readers = others.filter(({ id }) => (this.#seqs.get(id) ?? 0) >= own.seq);
    return { seq: own.seq, names: readers.map(({ name }) => name), isAll: readers.length === others.length };
  }

  /** The room is shown and joined: load what was not told meanwhile. */
  async load() {
    if (this.#room.info.kind !== "direct") return;
    const { read_by: readBy = {} } = await this.#api.get(this.#room.id).catch(() => ({ read_by: {} }));
    for (const [user, seq] of Object.entries(readBy)) this.receive(user, seq);
  }

  /**
   * @param {string} user id
   * @param {number} seq
   */
  receive(user, seq) {
    if (seq <= (this.#seqs.get(user) ?? 0)) return;
    this.#seqs.set(user, seq);
    this.#onChange();
  }
}
