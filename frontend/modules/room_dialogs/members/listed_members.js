/** The members of a room as a list shows them: their names and roles, and to moderators also who is muted. */

import { text } from "../../strings/strings.js";
import { element } from "../../ui/dom.js";

/**
 * @typedef {import("../../rooms/room_api.js").RoomApi} RoomApi
 * @typedef {import("../../rooms/room_api.js").ListedMember} ListedMember
 */

/**
 * Return what loads a page of the members. The mutes are loaded with the first page: they are few, and the server lists
 * them apart from the members, for moderators only.
 *
 * @param {Pick<RoomApi, "listMembers" | "listRestricted">} api
 * @param {Pick<import("../../rooms/room.js").Room, "id" | "permissions">} room
 * @returns {(query: string, cursor: string | null) => Promise<{items: ListedMember[], next: string | null}>}
 */
export function membersLoader(api, { id, permissions }) {
  /** @type {Set<string>} */
  let muted = new Set();
  return async (query, cursor) => {
    const mutes = cursor === null && permissions.moderate ? mutedIds(api, id) : muted;
    const [{ members, next }, ids] = await Promise.all([api.listMembers(id, query, cursor), mutes]);
    muted = ids;
    return { items: members.map((member) => ({ ...member, isMuted: ids.has(member.id) })), next };
  };
}

/**
 * @param {Pick<RoomApi, "listRestricted">} api
 * @param {string} roomId
 */
async function mutedIds(api, roomId) {
  const ids = new Set();
  /** @type {string | null} */
  let cursor = null;
  do {
    /** @type {Awaited<ReturnType<RoomApi["listRestricted"]>>} */
    const { users, next } = await api.listRestricted(roomId, "mutes", cursor);
    for (const user of users) ids.add(user.id);
    cursor = next;
  } while (cursor !== null);
  return ids;
}

/**
 * @param {ListedMember} member
 * @param {boolean} [isSelf]
 * @returns {HTMLElement}
 */
export function renderMemberText({ name, role, isMuted }, isSelf = false) {
  const badges = [role === "member" ? "" : text(`role.${role}`), isMuted ? text("members.muted") : ""];
  return element(
    "div",
    { class: "row-text" },
    element("bdi", { class: "row-title" }, name),
    isSelf ? element("span", { class: "hint" }, ` (${text("members.you")})`) : null,
    ...badges.filter(Boolean).flatMap((badge) => [" ", element("span", { class: "badge" }, badge)]),
  );
}
