/**
 * The outboxes of all rooms, over one storage: a room that refuses or delays messages does not hold up the others.
 * Unsent messages of a room that the user has left stay on disk until the user signs out.
 */

import { repeatCheck } from "./tab_outbox.js";

export class RoomOutboxes {
  #storage;
  #owner;
  #check;
  /** @type {Map<string, import("./outbox.js").Outbox>} */
  #outboxes = new Map();
  /** Loaded before their room was known. @type {import("./pending_sends.js").PendingSend[]} */
  #waiting = [];

  /**
   * @param {object} options
   * @param {import("./tab_outbox.js").TabOutbox} options.storage
   * @param {string} options.owner id of the user
   * @param {import("../clock.js").Clock} options.clock
   */
  constructor({ storage, owner, clock }) {
    this.#storage = storage;
    this.#owner = owner;
    this.#check = repeatCheck(clock, () => this.load());
  }

  /** @returns {Promise<number>} how many messages would be lost by a sign-out, which ends the session in all tabs */
  async countUnsent() {
    const stored = await this.#storage.ofAllTabs(this.#owner).catch(() => []);
    const own = [...Array.from(this.#outboxes.values(), (outbox) => outbox.items).flat(), ...this.#waiting];
    const known = new Set(own.map(({ cid }) => cid));
    const ofOthers = stored.filter(({ cid }) => !known.has(cid));
    return ofOthers.length + own.filter(({ state }) => state !== "sent").length;
  }

  /**
   * @param {string} room
   * @param {import("./outbox.js").Outbox} outbox
   */
  add(room, outbox) {
    this.#outboxes.set(room, outbox);
    this.#distribute();
  }

  /**
   * The user has left the room.
   *
   * @param {string} room
   */
  remove(room) {
    this.#outboxes.delete(room);
  }

  /** Load what an earlier page or a closed tab did not send. */
  async load() {
    const stored = await this.#storage.all(this.#owner).catch(() => []);
    this.#waiting.push(...stored);
    this.#distribute();
  }

  /** Another tab was closed: look for its messages now. */
  checkNow() {
    this.#check.runNow();
  }

  close() {
    this.#check.stop();
  }

  #distribute() {
    for (const [room, outbox] of this.#outboxes) {
      const items = this.#waiting.filter((item) => item.room === room);
      if (items.length > 0) outbox.restore(items);
    }
    this.#waiting = this.#waiting.filter((item) => !this.#outboxes.has(item.room));
  }
}
