/**
 * The newest events of one room as they are stored: consecutive, so that a join continues after them.
 *
 * @typedef {import("../net/protocol.js").RoomEvent} RoomEvent
 *
 * @typedef {object} CachedContent
 * @property {string} room id
 * @property {string} epoch of the room's log
 * @property {RoomEvent[]} events oldest first
 * @property {boolean} hasOlder whether the server has older ones
 * @property {readonly import("../rooms/room_types.js").Member[]} members whose names are known
 */

const MAX_EVENTS = 200;
const MAX_MEMBERS = 200;

/**
 * @param {import("../rooms/room.js").Room} room
 * @returns {CachedContent | null} null: the newest events are not loaded, and what is stored stays
 */
export function contentOf(room) {
  const newest = room.log.newest;
  if (newest === null) return null;
  const events = withoutDeletedTexts(newest.events).slice(-MAX_EVENTS);
  const hasOlder = newest.hasOlder || events.length < newest.events.length;
  return { room: room.id, epoch: newest.epoch, events, hasOlder, members: room.members.slice(0, MAX_MEMBERS) };
}

/**
 * Remove the texts of messages that are deleted, and of their edits, as the server does in a replay.
 *
 * @param {readonly RoomEvent[]} events
 * @returns {RoomEvent[]}
 */
function withoutDeletedTexts(events) {
  const deleted = new Set(events.flatMap((event) => (event.type === "deleted" ? [event.target] : [])));
  return events.map((event) => {
    const isDeleted =
      (event.type === "message" && deleted.has(event.seq)) || (event.type === "edited" && deleted.has(event.target));
    return isDeleted ? { ...event, text: "" } : event;
  });
}
