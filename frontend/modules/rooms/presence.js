/**
 * Who is online, as far as the page knows: from `presence` events, and from `who` for direct rooms and the room that is
 * shown.
 */

import { CommandError } from "../net/socket/pending_requests.js";

/** Asked at connect: the most that a sidebar shows without scrolling far. */
const MAX_ASKED = 40;

export class Presence {
  #connection;
  #onChange;
  /** @type {Map<string, boolean>} user id → online */
  #users = new Map();

  /**
   * @param {Pick<import("../tabs/shared_connection.js").SharedConnection, "request">} connection
   * @param {() => void} onChange
   */
  constructor(connection, onChange) {
    this.#connection = connection;
    this.#onChange = onChange;
  }

  /**
   * @param {string} userId
   * @returns {boolean | null} null: not known
   */
  isOnline(userId) {
    return this.#users.get(userId) ?? null;
  }

  /**
   * @param {string} userId
   * @param {boolean} online
   */
  set(userId, online) {
    this.#users.set(userId, online);
    this.#onChange();
  }

  /** @param {import("./room.js").Room[]} rooms */
  async askAll(rooms) {
    for (const room of rooms.slice(0, MAX_ASKED)) await this.ask(room);
  }

  /**
   * Ask who of a room is online.
   *
   * @param {import("./room.js").Room} room
   */
  async ask(room) {
    try {
      const { users, total } = await this.#connection.request({ type: "who", room: room.id });
      // If all are listed, those who are not are offline.
      if (total === users.length) {
        for (const { id } of room.members) if (!this.#users.has(id)) this.#users.set(id, false);
      }
      for (const { id } of users) this.#users.set(id, true);
      this.#onChange();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }

  /** The connection is gone: nothing is known. */
  clear() {
    this.#users.clear();
    this.#onChange();
  }
}
