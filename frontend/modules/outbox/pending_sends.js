/**
 * The messages of one room that the server has not confirmed yet, in order, and their copies on disk.
 *
 * The properties of an item are also its shape in IndexedDB.
 *
 * @typedef {object} PendingSend
 * @property {string} cid
 * @property {string} owner id of the user who wrote it; no other user ever sends or sees it
 * @property {string} [tab] stored: the tab that sends it, see TabOutbox
 * @property {string} room
 * @property {string} text
 * @property {number | null} [replyTo] seq of the message that it answers
 * @property {number} order
 * @property {number | null} triedAt when it was first sent, milliseconds since 1970
 * @property {"pending" | "sent" | "failed"} state sent: acknowledged, and its event has not arrived yet
 * @property {string} [reason] failed: why, for the person
 * @property {import("../net/protocol.js").Position} [position] sent: where it is in the log; never stored
 */

export class PendingSends {
  #scope;
  #storage;
  #clock;
  #newCid;
  /** @type {PendingSend[]} */
  #items = [];

  /**
   * @param {object} options
   * @param {{owner: string, room: string}} options.scope id of the user, and the room
   * @param {Pick<import("./tab_outbox.js").TabOutbox, "put" | "remove">} options.storage
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => string} options.newCid
   */
  constructor({ scope, storage, clock, newCid }) {
    this.#scope = scope;
    this.#storage = storage;
    this.#clock = clock;
    this.#newCid = newCid;
  }

  /** @returns {readonly PendingSend[]} in order */
  get items() {
    return this.#items;
  }

  /** @param {string} cid */
  find(cid) {
    return this.#items.find((item) => item.cid === cid);
  }

  /**
   * Add stored items. The disk may be slow: an item that was added meanwhile is here already, and perhaps on disk too.
   *
   * @param {PendingSend[]} stored
   * @returns {boolean} whether there was a new one
   */
  restore(stored) {
    const earlier = stored.filter(({ cid }) => this.find(cid) === undefined);
    this.#items = [...earlier, ...this.#items].sort((a, b) => a.order - b.order);
    return earlier.length > 0;
  }

  /**
   * @param {string} text
   * @param {number | null} replyTo
   * @returns {PendingSend}
   */
  add(text, replyTo) {
    /** @type {PendingSend} */
    const item = {
      ...this.#scope,
      cid: this.#newCid(),
      order: this.#nextOrder(),
      text,
      replyTo,
      triedAt: null,
      state: "pending",
    };
    this.#items.push(item);
    return item;
  }

  /**
   * Move an item to the end, as if it had never been sent.
   *
   * @param {PendingSend} item
   */
  requeue(item) {
    Object.assign(item, { state: "pending", reason: undefined, triedAt: null, order: this.#nextOrder() });
    this.#items.sort((a, b) => a.order - b.order);
  }

  /**
   * @param {(item: PendingSend) => boolean} isDone
   * @returns {boolean} whether one was removed; the copies on disk stay
   */
  removeIf(isDone) {
    const before = this.#items.length;
    this.#items = this.#items.filter((item) => !isDone(item));
    return this.#items.length !== before;
  }

  /**
   * If the disk fails, the message does not survive a reload, but it is sent all the same.
   *
   * @param {PendingSend} item
   */
  async store(item) {
    await this.#storage
      .put({ ...item })
      .catch((error) => console.warn("An unsent message could not be stored.", error));
  }

  /**
   * If this fails, the message is sent again after a reload under its cid, which the server knows.
   *
   * @param {string} cid
   */
  async deleteStored(cid) {
    await this.#storage
      .remove(cid)
      .catch((error) => console.warn("A sent message could not be deleted from the outbox.", error));
  }

  #nextOrder() {
    return Math.max(this.#clock.now(), (this.#items.at(-1)?.order ?? 0) + 1);
  }
}
