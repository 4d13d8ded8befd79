/** A store of rooms without a server: the test answers the commands. */

import { RoomOutboxes } from "../../../frontend/modules/outbox/room_outboxes.js";
import { noReply } from "../../../frontend/modules/net/socket/pending_requests.js";
import { RoomStore } from "../../../frontend/modules/rooms/room_store.js";
import { joined, USER } from "./room.js";

export const SELF = { ...USER, role: "member" };
export const GRACE = { id: "u2", name: "grace" };

export function roomInfo(id, more = {}) {
  return {
    id,
    kind: "public",
    name: id,
    topic: "",
    role: "member",
    archived: false,
    muted: false,
    slow_mode_seconds: 0,
    epoch: "e1",
    seq: 0,
    read: 0,
    ...more,
  };
}

export function welcome(...rooms) {
  return { type: "welcome", user: SELF, heartbeat_seconds: 25, limits: { text_chars: 4000 }, rooms };
}

export function messageIn(room, seq, more = {}) {
  const at = "2026-11-22T10:00:00Z";
  return { type: "message", room, epoch: "e1", seq, cid: `c${room}${seq}`, user: GRACE, text: `m${seq}`, at, ...more };
}

export function openStore(clock, listener = {}) {
  const commands = [];
  const heard = [];
  /** Type of a command → its reply. */
  const replies = {
    join: ({ room }) => ({ ...joined(0), room }),
    unread: () => ({ type: "unread", rooms: [] }),
    who: () => ({ users: [], total: 0 }),
    read: ({ room, seq }) => ({ type: "ack", room, seq }),
  };
  const connection = {
    async request(command) {
      commands.push(command);
      const reply = replies[command.type]?.(command);
      if (reply === undefined) throw noReply("lost");
      if (reply.type === "joined") store.receive(reply);
      return reply;
    },
    notify: (command) => void commands.push(command),
  };
  const storage = { all: async () => [], put: async () => {}, remove: async () => {} };
  const outboxes = new RoomOutboxes({ storage, owner: SELF.id, clock });
  const api = { get: async () => ({}) };
  const drafts = { get: () => "", set() {} };
  const store = new RoomStore({
    services: { connection, clock, storage, drafts, self: SELF, newCid: () => `cid${commands.length}`, api },
    outboxes,
    listener: {
      onMessage: (room, message) => heard.push(`${room.id} ${message.seq}`),
      onRefused() {},
      onRoomChanged() {},
      onAllJoined() {},
      onRoomRemoved: (room) => heard.push(`${room.id} removed`),
      ...listener,
    },
  });
  return { store, commands, replies, api, heard };
}
