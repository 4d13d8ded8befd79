/**
 * Which tab gets which frame of a socket that the tabs of a browser share, and the `welcome` of a tab that opens later:
 * the one of the socket, with the changes since. No I/O.
 *
 * - A reply goes to the tab that sent the command: its id begins with the tab.
 * - The events that follow `joined` are a replay for the tab that joined. The others have them, and would take one that
 *   was written in an earlier epoch for a new numbering. An event that is new to the socket goes to all tabs.
 * - The server sends what was read to the user's other connections. Here, the other tabs of the connection need it, too.
 *
 * @typedef {import("../net/protocol.js").ServerFrame} ServerFrame
 * @typedef {{to: string | null, frame: ServerFrame, except?: string}} Delivery to: a tab; null: all tabs but `except`
 */

import { isRoomEvent } from "../net/protocol.js";

const SEPARATOR = ":";

/**
 * @param {string} tab
 * @returns {string} with which the ids of the tab's commands begin
 */
export function idPrefix(tab) {
  return `${tab}${SEPARATOR}`;
}

export class FrameRouter {
  /** @type {import("../net/protocol.js").Welcome} */
  #welcome;
  /** @type {Map<string, import("../net/protocol.js").RoomInfo>} */
  #rooms;
  /** Room id → the tab that joined last, and the room's head then. @type {Map<string, {tab: string, seq: number}>} */
  #replays = new Map();

  /** @param {import("../net/protocol.js").Welcome} welcome */
  constructor(welcome) {
    this.#welcome = welcome;
    this.#rooms = new Map(welcome.rooms.map((room) => [room.id, room]));
  }

  /** @returns {import("../net/protocol.js").Welcome} for a tab that was opened later */
  get welcome() {
    return { ...this.#welcome, rooms: [...this.#rooms.values()] };
  }

  /**
   * @param {ServerFrame} frame
   * @returns {Delivery[]}
   */
  route(frame) {
    if (isRoomEvent(frame) && "room" in frame) return [this.#routeEvent(frame)];
    this.#update(frame);
    if (!("id" in frame) || frame.id === undefined) return [{ to: null, frame }];
    const end = frame.id.lastIndexOf(SEPARATOR);
    if (end < 0) return []; // of a command of the connection itself
    const tab = frame.id.slice(0, end);
    if (frame.type === "joined") this.#replays.set(frame.room, { tab, seq: frame.seq });
    const reply = { to: tab, frame };
    if (frame.type !== "ack" || "cid" in frame) return [reply];
    // The acknowledgement of `read` has no cid. The server tells a user's other connections of a marker; here, they are tabs.
    return [reply, { to: null, except: tab, frame: { type: "read", room: frame.room, seq: frame.seq } }];
  }

  /**
   * @param {Exclude<import("../net/protocol.js").RoomEvent, import("../net/protocol.js").FoldedEvent>} event
   * @returns {Delivery}
   */
  #routeEvent(event) {
    const info = this.#rooms.get(event.room);
    const replay = this.#replays.get(event.room);
    const isReplayed = replay !== undefined && event.seq <= replay.seq;
    if (isReplayed && info !== undefined && event.seq <= info.seq) return { to: replay.tab, frame: event };
    const epoch = isReplayed ? info?.epoch : event.epoch;
    if (info !== undefined) this.#rooms.set(event.room, { ...info, epoch: epoch ?? event.epoch, seq: event.seq });
    return { to: null, frame: event };
  }

  /** @param {ServerFrame} frame */
  #update(frame) {
    if (frame.type === "room_added" || frame.type === "room_changed") this.#rooms.set(frame.room.id, frame.room);
    if (frame.type === "room_removed") this.#rooms.delete(frame.room);
    if (!("room" in frame) || typeof frame.room !== "string") return;
    const info = this.#rooms.get(frame.room);
    if (info === undefined) return;
    const isRead = frame.type === "read" || (frame.type === "ack" && !("cid" in frame));
    if (isRead) this.#rooms.set(info.id, { ...info, read: Math.max(info.read, frame.seq) });
    // Another numbering: what is known of the old one does not count.
    if (frame.type === "joined" && frame.epoch !== info.epoch) {
      this.#rooms.set(info.id, { ...info, epoch: frame.epoch, seq: frame.seq });
    }
  }
}
