/**
 * Writes rooms to the cache behind what happens: changes are collected, and a few rooms are written at a time, so that no
 * message waits for the disk and a busy page stays smooth.
 */

import { contentOf } from "./cached_content.js";

const INTERVAL_MS = 3_000;
const MAX_ROOMS_PER_FLUSH = 8;
/** The page is being closed: what is not written now is loaded again. */
const MAX_ROOMS_AT_END = 50;

export class RoomCacheWriter {
  #cache;
  #store;
  #clock;
  #user;
  /** Ids of rooms that may have changed, the earliest first. @type {Set<string>} */
  #changed = new Set();
  /** Room id → what was written last, in short. @type {Map<string, string>} */
  #written = new Map();
  #isConnected = false;
  #savedAt;
  /** @type {(() => void) | null} null: nothing waits to be written */
  #cancelTimer = null;
  #isClosed = false;

  /**
   * @param {object} options
   * @param {import("./room_cache.js").RoomCache} options.cache
   * @param {import("../rooms/room_store.js").RoomStore} options.store
   * @param {import("../clock.js").Clock} options.clock
   * @param {import("../net/protocol.js").User} options.user
   * @param {number} options.savedAt of what was in the cache at first
   */
  constructor({ cache, store, clock, user, savedAt }) {
    this.#cache = cache;
    this.#store = store;
    this.#clock = clock;
    this.#user = user;
    this.#savedAt = savedAt;
  }

  /** @returns {number} milliseconds since 1970: what happened later is not known here */
  get savedAt() {
    return this.#isConnected ? this.#clock.now() : this.#savedAt;
  }

  /** @param {boolean} isConnected whether the rooms are followed */
  setConnected(isConnected) {
    if (isConnected === this.#isConnected) return;
    this.#savedAt = this.savedAt;
    this.#isConnected = isConnected;
    this.#schedule();
  }

  /**
   * Something of the room has changed. May be called often.
   *
   * @param {string} id
   */
  roomChanged(id) {
    this.#changed.add(id);
    this.#schedule();
  }

  /** The window is hidden, and may be closed without notice. */
  windowHidden() {
    this.#flush(MAX_ROOMS_AT_END);
  }

  close() {
    this.#isClosed = true;
    this.#cancelTimer?.();
  }

  // -- Internal --

  #schedule() {
    if (this.#isClosed) return;
    this.#cancelTimer ??= this.#clock.schedule(INTERVAL_MS, () => this.#flush(MAX_ROOMS_PER_FLUSH));
  }

  /** @param {number} limit */
  async #flush(limit) {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#isClosed) return;
    const ids = [...this.#changed].slice(0, limit);
    for (const id of ids) this.#changed.delete(id);
    const order = new Map(this.#store.rooms.map((room, index) => [room.id, index]));
    const rooms = ids.flatMap((id) => this.#store.get(id) ?? []).filter((room) => this.#isNew(room));
    await this.#cache.write(this.#user, {
      account: { savedAt: this.savedAt, shown: this.#store.lastShownId },
      rooms: rooms.map((room) => cachedRoom(room, order.get(room.id) ?? 0)),
      contents: rooms.flatMap((room) => contentOf(room) ?? []),
      left: ids.filter((id) => !order.has(id)),
    });
    if (this.#changed.size > 0) this.#schedule();
  }

  /**
   * Many changes are of no interest here: somebody is typing, or is online.
   *
   * @param {import("../rooms/room.js").Room} room
   */
  #isNew(room) {
    const { info, reading, log, members } = room;
    const newest = log.newest;
    const summary = JSON.stringify([
      info,
      reading.seq,
      reading.unread.count,
      newest && [newest.epoch, newest.events.at(0)?.seq, newest.events.at(-1)?.seq],
      members.length,
    ]);
    if (this.#written.get(room.id) === summary) return false;
    this.#written.set(room.id, summary);
    return true;
  }
}

/**
 * @param {import("../rooms/room.js").Room} room
 * @param {number} order
 * @returns {import("./room_cache.js").CachedRoom}
 */
function cachedRoom({ id, info, headSeq, reading }, order) {
  const { count, mentions } = reading.unread;
  return { id, order, info: { ...info, seq: headSeq, read: reading.seq }, unread: count, mentions };
}
