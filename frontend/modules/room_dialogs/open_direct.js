/** Opens direct conversations. The switcher needs this at once; the dialog in which people are chosen is loaded later. */

import { roomHash } from "../route.js";
import { navigate } from "../ui/layers.js";

/**
 * Open the direct conversation with these people.
 *
 * @param {import("../rooms/room_api.js").RoomApi} api
 * @param {string[]} users ids
 */
export async function openDirect(api, users) {
  const room = await api.create({ kind: "direct", users });
  navigate(roomHash(room.id));
}
