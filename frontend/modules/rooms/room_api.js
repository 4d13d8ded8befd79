/**
 * The HTTP API of rooms, of their members, of people, and of search. Each call rejects with ApiError. What it changes arrives over
 * the socket, as for every other member.
 *
 * @typedef {import("../net/protocol.js").Author} Author
 * @typedef {import("../net/protocol.js").RoomRole} RoomRole
 * @typedef {import("../net/protocol.js").RoomInfo} RoomInfo
 * @typedef {{id: string, name: string, topic: string, members: number, joined: boolean}} PublicRoom
 * @typedef {{id: string, name: string, role: RoomRole}} RoomMember
 * @typedef {RoomMember & {isMuted: boolean}} ListedMember with what only moderators can see; false for all others
 * @typedef {{id: string, name: string, until: string | null, reason: string}} RestrictedUser
 * @typedef {"mutes" | "bans"} Restriction
 * @typedef {object} SearchHit a message that matches, in its current form
 * @property {string} room
 * @property {number} seq
 * @property {Author} user
 * @property {string} text
 * @property {string} at
 * @property {[start: number, end: number][]} highlights in code points, the end excluded
 * @typedef {Omit<RoomInfo, "role" | "epoch" | "seq"> & {role: RoomRole | null, retention_days: number,
 *   read_by?: Record<string, number>}} RoomDetails a room as HTTP describes it; `role` is null for a visitor, and a direct
 *   room has `read_by`: up to where each of the others has read it
 * @typedef {Partial<Pick<RoomDetails, "name" | "topic" | "archived" | "slow_mode_seconds" | "retention_days" | "muted">>}
 *   RoomChange
 */

const PAGE_SIZE = 50;
/** Enough to complete a mention. */
const MAX_MEMBERS = 500;

/** @typedef {ReturnType<typeof createRoomApi>} RoomApi */

/** @param {import("../net/http/authenticated_api.js").AuthenticatedRequest} request */
export function createRoomApi(request) {
  /** @param {string} id */
  const roomPath = (id) => `/api/rooms/${encodeURIComponent(id)}`;
  return {
    /**
     * @param {string} query
     * @param {string | null} [cursor]
     * @returns {Promise<{rooms: PublicRoom[], next: string | null}>}
     */
    findPublicRooms: (query, cursor = null) =>
      request("GET", `/api/rooms/public?${pageQuery({ q: query, cursor, limit: PAGE_SIZE })}`),

    /**
     * @param {string} query beginning of a name
     * @returns {Promise<{users: Author[], next: string | null}>}
     */
    findUsers: (query) => request("GET", `/api/users?${pageQuery({ q: query, cursor: null, limit: 20 })}`),

    /**
     * @param {URLSearchParams} parameters
     * @returns {Promise<{hits: SearchHit[], next: string | null}>} the newest first
     */
    searchMessages: (parameters) => request("GET", `/api/search?${parameters}`),

    /**
     * @param {{kind: "public" | "private" | "direct", name?: string, topic?: string, users?: string[]}} room
     * @returns {Promise<RoomInfo>}
     */
    create: (room) => request("POST", "/api/rooms", room),

    /**
     * @param {string} id
     * @returns {Promise<RoomDetails>}
     */
    get: (id) => request("GET", roomPath(id)),

    /**
     * @param {string} id
     * @param {RoomChange} change
     * @returns {Promise<RoomDetails>}
     */
    change: (id, change) => request("PATCH", roomPath(id), change),

    /**
     * @param {string} id
     * @param {string} [query]
     * @param {string | null} [cursor]
     * @returns {Promise<{members: RoomMember[], next: string | null}>}
     */
    listMembers: (id, query = "", cursor = null) =>
      request("GET", `${roomPath(id)}/members?${pageQuery({ q: query, cursor, limit: MAX_MEMBERS })}`),

    /**
     * Join a public room (with the own id), add someone, or change a role.
     *
     * @param {string} id
     * @param {string} user
     * @param {RoomRole} [role]
     * @returns {Promise<RoomMember>}
     */
    putMember: (id, user, role) =>
      request("PUT", `${roomPath(id)}/members/${user}`, role === undefined ? null : { role }),

    /**
     * Remove a member, or leave (with the own id).
     *
     * @param {string} id
     * @param {string} user
     * @returns {Promise<void>}
     */
    removeMember: (id, user) => request("DELETE", `${roomPath(id)}/members/${user}`),

    /**
     * @param {string} id
     * @param {Restriction} kind
     * @param {string | null} cursor
     * @returns {Promise<{users: RestrictedUser[], next: string | null}>}
     */
    listRestricted: (id, kind, cursor) =>
      request("GET", `${roomPath(id)}/${kind}?${new URLSearchParams(cursor === null ? {} : { cursor })}`),

    /**
     * @param {string} id
     * @param {Restriction} kind
     * @param {string} user
     * @param {{seconds?: number, reason: string}} terms
     * @returns {Promise<RestrictedUser>}
     */
    restrict: (id, kind, user, terms) => request("PUT", `${roomPath(id)}/${kind}/${user}`, terms),

    /**
     * @param {string} id
     * @param {Restriction} kind
     * @param {string} user
     * @returns {Promise<void>}
     */
    lift: (id, kind, user) => request("DELETE", `${roomPath(id)}/${kind}/${user}`),
  };
}

/** @param {{q: string, cursor: string | null, limit: number}} page */
function pageQuery({ q, cursor, limit }) {
  return new URLSearchParams({ q, limit: String(limit), ...(cursor === null ? {} : { cursor }) });
}
