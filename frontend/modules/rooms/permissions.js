/**
 * What a role may do in a room: the page's part of docs/permissions.md, which decides what is shown. The server checks
 * every command.
 *
 * @typedef {import("../net/protocol.js").RoomRole} RoomRole
 */

const RANKS = { reader: 1, member: 2, moderator: 3, owner: 4 };
/** @type {Record<string, RoomRole>} */
const ROLE_OF_SERVER_ROLE = { admin: "owner", moderator: "moderator" };
export const ROLES = /** @type {const} */ (["owner", "moderator", "member", "reader"]);
export const LOBBY = "lobby";

/**
 * Return the role with which a member acts: in public rooms, a role of the server counts too.
 *
 * @param {Pick<import("../net/protocol.js").RoomInfo, "kind" | "role">} room
 * @param {string} serverRole
 * @returns {RoomRole}
 */
export function actingRole({ kind, role }, serverRole) {
  const byServer = kind === "public" ? ROLE_OF_SERVER_ROLE[serverRole] : undefined;
  return byServer !== undefined && RANKS[byServer] > RANKS[role] ? byServer : role;
}

/**
 * Return whether one role may remove, mute and ban another one.
 *
 * @param {RoomRole} role
 * @param {RoomRole} other
 */
export function outranks(role, other) {
  return RANKS[role] > RANKS[other];
}

/**
 * @param {import("../net/protocol.js").RoomInfo} room
 * @param {string} serverRole
 * @returns {import("./room_types.js").Permissions}
 */
export function permissionsOf(room, serverRole) {
  const role = actingRole(room, serverRole);
  const isDirect = room.kind === "direct";
  const isOwner = role === "owner" && !isDirect;
  const isModerator = isOwner || (role === "moderator" && !isDirect);
  const canWrite = role !== "reader" && !room.archived;
  return {
    send: canWrite,
    react: canWrite,
    editOwn: canWrite,
    deleteOwn: canWrite,
    deleteOthers: isModerator && !room.archived,
    addMembers: (room.kind === "public" ? isModerator : isOwner) && room.id !== LOBBY,
    removeMembers: isModerator && room.id !== LOBBY,
    changeRoles: isOwner,
    changeRoom: isOwner,
    moderate: isModerator,
    leave: !isDirect && room.id !== LOBBY,
  };
}
