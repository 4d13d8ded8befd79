/**
 * All rooms of the signed-in user, over one socket: joins them, passes frames on, counts what is unread, and knows which
 * room is shown and who is online.
 *
 * @typedef {object} StoreListener
 * @property {(room: Room, message: import("../net/protocol.js").RoomMessage) => void} onMessage a new one of someone else
 * @property {(reason: string) => void} onRefused a room that is shown cannot be joined
 * @property {(id: string) => void} onRoomChanged something of a room has changed, or the user has left it
 * @property {() => void} onAllJoined all rooms are joined, after each connect
 * @property {(room: Room) => void} onRoomRemoved the room is no longer one of the user's: left, removed or banned
 */

import { Changes } from "./changes.js";
import { Presence } from "./presence.js";
import { UnreadCounts } from "./reading/unread_counts.js";
import { Room } from "./room.js";

/** How many joins are open at once: the replies of 1,000 rooms must not delay the room that is shown. */
const MAX_OPEN_JOINS = 50;

export class RoomStore {
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  #services;
  #outboxes;
  #listener;
  #changes = new Changes();
  #presence;
  #counts;
  /** @type {Room | null} */
  #shown = null;
  /** Counts connections: what was started on an earlier one does not continue. */
  #connection = 0;
  #isConnected = false;
  #maxLength = 4_000;
  /** Whether the rooms are known, from `welcome` or from an earlier page. */
  isLoaded = false;
  /** Resolves when the contents of the rooms that an earlier page has loaded are here, or are not awaited any more. */
  #restored = Promise.resolve();
  lastShownId = "";

  /**
   * @param {object} options
   * @param {import("./room.js").RoomServices} options.services
   * @param {import("../outbox/room_outboxes.js").RoomOutboxes} options.outboxes
   * @param {StoreListener} options.listener
   */
  constructor({ services, outboxes, listener }) {
    this.#services = services;
    this.#outboxes = outboxes;
    this.#listener = listener;
    this.#presence = new Presence(services.connection, () => this.#changes.announce());
    this.#counts = new UnreadCounts(services, (rooms) => {
      for (const counted of rooms) this.#rooms.get(counted.room)?.reading.setCounted(counted);
      this.#changes.announce();
    });
  }

  // -- State --

  /** @returns {readonly Room[]} in the order in which the user became a member */
  get rooms() {
    return [...this.#rooms.values()];
  }

  /** @returns {Room | null} */
  get shown() {
    return this.#shown;
  }

  /** @param {string} id */
  get(id) {
    return this.#rooms.get(id) ?? null;
  }

  /**
   * @param {string} userId
   * @returns {boolean | null} null: not known
   */
  isOnline(userId) {
    return userId === this.#services.self.id ? this.#isConnected : this.#presence.isOnline(userId);
  }

  /** @param {() => void} listener */
  subscribe(listener) {
    return this.#changes.subscribe(listener);
  }

  // -- What the person does --

  /**
   * Show a room.
   *
   * @param {Room | null} room
   */
  show(room) {
    if (room === this.#shown) return;
    this.#shown?.setShown(false);
    this.#shown = room;
    room?.setShown(true);
    if (room !== null) this.lastShownId = room.id;
    if (room !== null && this.#isConnected) this.#presence.ask(room);
    this.#changes.announce();
  }

  // -- What an earlier page has loaded --

  /**
   * Show the rooms until the server lists them.
   *
   * @param {import("../offline/room_cache.js").CachedRoom[]} rooms
   */
  restore(rooms) {
    for (const { info, unread, mentions } of rooms) {
      this.#put(info).reading.unread.set({ unread, mentions });
    }
    this.isLoaded = rooms.length > 0;
    this.#changes.announce();
  }

  /**
   * Load the contents of the rooms that are not shown. They are joined after that, from what is here by then.
   *
   * @param {import("../offline/room_cache.js").RoomCache} cache
   */
  restoreContents(cache) {
    this.#restored = (async () => {
      for (const id of await cache.roomsWithContent()) {
        const content = await cache.content(id);
        if (content !== null) this.#rooms.get(id)?.restore(content);
      }
    })();
  }

  // -- What the server does --

  /** @param {import("../net/protocol.js").Welcome} welcome */
  welcome({ rooms, limits }) {
    this.#connection += 1;
    this.#isConnected = true;
    this.isLoaded = true;
    this.#maxLength = limits.text_chars;
    const ids = new Set(rooms.map(({ id }) => id));
    for (const room of this.rooms) if (!ids.has(room.id)) this.#remove(room.id);
    for (const info of rooms) this.#put(info);
    this.#joinAll(this.#connection);
    this.#changes.announce();
  }

  /** @param {import("../net/protocol.js").ServerFrame} frame */
  receive(frame) {
    if (frame.type === "room_added") {
      const room = this.#put(frame.room);
      room.join();
      if (room.info.kind === "direct") this.#presence.ask(room);
      this.#counts.loadSoon();
    } else if (frame.type === "room_changed") this.#put(frame.room);
    else if (frame.type === "room_removed") this.#remove(frame.room, frame.banned_until);
    else if (frame.type === "presence") this.#setPresence(frame);
    else if ("room" in frame && typeof frame.room === "string") this.#rooms.get(frame.room)?.receive(frame);
  }

  disconnected() {
    this.#connection += 1;
    this.#isConnected = false;
    this.#counts.cancel();
    this.#presence.clear();
    for (const room of this.#rooms.values()) room.disconnected();
  }

  /** Nothing can be written any more, for example because the account is disabled. */
  disconnectForGood() {
    for (const room of this.#rooms.values()) room.disconnectForGood();
  }

  /** The window is hidden: what arrives from now on is new when it is shown again. */
  windowHidden() {
    this.#shown?.reading.placeLine();
  }

  close() {
    this.#counts.cancel();
    this.#connection += 1;
    for (const room of this.#rooms.values()) room.disconnected();
  }

  // -- Internal --

  /** @param {Partial<import("../net/protocol.js").Presence>} frame that a later server may send without a user */
  #setPresence({ user, online }) {
    if (user !== undefined && online !== undefined) this.#presence.set(user.id, online);
  }

  /** @param {import("../net/protocol.js").RoomInfo} info */
  #put(info) {
    let room = this.#rooms.get(info.id);
    if (room === undefined) {
      room = new Room(info, this.#services, {
        onChange: () => {
          this.#changes.announce();
          this.#listener.onRoomChanged(info.id);
        },
        onMessage: (...args) => this.#listener.onMessage(...args),
        onUncounted: () => this.#counts.loadSoon(),
        onRefused: (refused, reason) => refused === this.#shown && this.#listener.onRefused(reason),
      });
      this.#rooms.set(info.id, room);
      this.#outboxes.add(info.id, room.writing.outbox);
    } else room.update(info);
    room.maxLength = this.#maxLength;
    this.#changes.announce();
    return room;
  }

  /**
   * @param {string} id
   * @param {string | null} [bannedUntil] see Room
   */
  #remove(id, bannedUntil) {
    const room = this.#rooms.get(id);
    if (room === undefined) return;
    room.bannedUntil = bannedUntil;
    room.disconnected();
    this.#rooms.delete(id);
    this.#outboxes.remove(id);
    if (room === this.#shown) this.#shown = null;
    this.#listener.onRoomChanged(id);
    this.#listener.onRoomRemoved(room);
    this.#changes.announce();
  }

  /**
   * Join the room that is shown, then the others in portions.
   *
   * @param {number} connection
   */
  async #joinAll(connection) {
    await null; // the change was announced before: the view has chosen the room that is shown
    if (connection !== this.#connection) return;
    const shown = this.#shown;
    const others = this.rooms.filter((room) => room !== shown);
    await Promise.all([shown?.join(), this.#counts.load(), this.#restored]);
    for (let start = 0; start < others.length && connection === this.#connection; start += MAX_OPEN_JOINS) {
      await Promise.all(others.slice(start, start + MAX_OPEN_JOINS).map((room) => room.join()));
    }
    if (connection !== this.#connection) return;
    // Between the count and the joins, messages may have arrived that neither of them has told.
    if (others.length > 0) await this.#counts.load();
    this.#presence.askAll(this.rooms.filter((room) => room.info.kind === "direct" || room === this.#shown));
    this.#listener.onAllJoined();
  }
}
