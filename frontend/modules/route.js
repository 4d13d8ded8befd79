/**
 * Addresses inside of the page: `#/room/<id>`, `#/room/<id>/<seq>` and `#/invite/<code>`. They are in the hash, so that
 * the page can be hosted anywhere, and so that a server never sees an invite code in its log.
 *
 * @typedef {{name: "room", room: string, seq: number | null} | {name: "invite", code: string} | {name: "home"}} Route
 */

/**
 * @param {string} hash
 * @returns {Route} home for an address that the page does not know
 */
export function parseRoute(hash) {
  const [name, first = "", second] = hash.replace(/^#\/?/u, "").split("/").map(decode);
  if (name === "room" && first !== "") {
    const seq = Number(second);
    return { name: "room", room: first, seq: Number.isSafeInteger(seq) && seq > 0 ? seq : null };
  }
  if (name === "invite" && first !== "") return { name: "invite", code: first };
  return { name: "home" };
}

/**
 * @param {string} room id
 * @param {number | null} [seq] of a message
 * @returns {string}
 */
export function roomHash(room, seq = null) {
  return `#/room/${encodeURIComponent(room)}${seq === null ? "" : `/${seq}`}`;
}

/** @param {string} code */
export function inviteHash(code) {
  return `#/invite/${encodeURIComponent(code)}`;
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
