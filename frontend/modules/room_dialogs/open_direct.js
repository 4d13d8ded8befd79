/** Go to a direct conversation, which begins when it is first opened. */

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
