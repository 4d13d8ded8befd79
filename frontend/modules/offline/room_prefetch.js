/**
 * Loads the newest page of rooms that were never shown on this device, so that they can be read without a network, too.
 * The copy of the rooms (room_cache_writer.js) stores them like everything that is loaded.
 */

/** One page each. A user may be in 1,000 rooms. */
const MAX_ROOMS = 30;
/** A busy page loads a room after this time. */
const MAX_WAIT_MS = 5_000;

/**
 * Load one room after another, each when the page has nothing else to do. Ends when the connection is lost.
 *
 * @param {object} options
 * @param {Pick<import("../rooms/room_store.js").RoomStore, "rooms">} options.store whose rooms are joined
 * @param {import("../clock.js").Clock} options.clock
 * @param {AbortSignal} options.signal aborted when the chat is left
 */
export async function prefetchRooms({ store, clock, signal }) {
  if (isSavingData()) return;
  const rooms = store.rooms.filter(isEmpty).sort((a, b) => rank(a) - rank(b));
  for (const room of rooms.slice(0, MAX_ROOMS)) {
    await untilIdle(clock);
    if (signal.aborted) return;
    // It may have been opened, or a message may have arrived meanwhile.
    if (!isEmpty(room) || room.log.isLoading) continue;
    await room.log.loadOlder();
    if (isEmpty(room)) return;
  }
}

/** @param {import("../rooms/room.js").Room} room */
function isEmpty({ log }) {
  return log.newest !== null && log.newest.events.length === 0 && log.hasOlder;
}

/**
 * The server does not say when the last message of a room was written. Rooms with unread messages are likely to have new
 * ones, and people read what is addressed to them first.
 *
 * @param {import("../rooms/room.js").Room} room
 * @returns {number} smaller: earlier
 */
function rank({ info, reading }) {
  if (info.archived) return 3;
  if (reading.unread.count > 0) return 0;
  return info.kind === "direct" ? 1 : 2;
}

/** @returns {boolean} whether the person wants to use little of a paid connection */
function isSavingData() {
  return Reflect.get(navigator, "connection")?.saveData === true;
}

/**
 * @param {import("../clock.js").Clock} clock
 * @returns {Promise<void>}
 */
function untilIdle(clock) {
  return new Promise((resolve) => {
    // Safari does not tell when it is idle.
    if (typeof requestIdleCallback === "undefined") clock.schedule(MAX_WAIT_MS / 5, resolve);
    else requestIdleCallback(() => resolve(), { timeout: MAX_WAIT_MS });
  });
}
