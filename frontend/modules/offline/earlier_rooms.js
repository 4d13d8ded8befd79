/**
 * What an earlier page of the user has loaded, as the chat needs it at first.
 *
 * @typedef {object} Earlier
 * @property {import("./room_cache.js").CachedRoom[]} rooms
 * @property {string} shown id of the room that is shown first; empty: not known
 * @property {import("./cached_content.js").CachedContent | null} content of that room
 * @property {number} savedAt milliseconds since 1970: what happened later is not here
 */

import { parseRoute } from "../route.js";

/**
 * Load the list of rooms, and the room that is shown first. The others follow (`RoomStore.restoreContents`).
 *
 * @param {import("./room_cache.js").RoomCache} cache
 * @param {import("../net/protocol.js").User} user
 * @returns {Promise<Earlier>}
 */
export async function loadEarlier(cache, user) {
  const account = await cache.open(user);
  const route = parseRoute(location.hash);
  const shown = route.name === "room" ? route.room : (account?.shown ?? "");
  const [rooms, content] = account === null ? [[], null] : await Promise.all([cache.rooms(), cache.content(shown)]);
  return { rooms, content, shown, savedAt: account?.savedAt ?? 0 };
}
