/**
 * What the sidebar shows: rooms by name, direct conversations with the newest one first. Pure functions.
 *
 * @typedef {object} SidebarRow
 * @property {string} id
 * @property {string} title
 * @property {"public" | "private" | "direct"} kind
 * @property {number} unread
 * @property {number} mentions
 * @property {boolean} isMuted
 * @property {boolean} isArchived
 * @property {boolean} isCurrent
 * @property {boolean} hasDraft
 * @property {boolean | null} isOnline of the partner of a conversation of two; null: not known, or not such a room
 *
 * @typedef {{rooms: SidebarRow[], direct: SidebarRow[]}} SidebarRows
 */

import { pageLocale } from "../strings/strings.js";

/**
 * @param {import("../rooms/room_store.js").RoomStore} store
 * @returns {SidebarRows}
 */
export function sidebarRows(store) {
  const collator = new Intl.Collator(pageLocale(), { sensitivity: "base", numeric: true });
  const rows = store.rooms.map((room) => toRow(room, store));
  const named = rows.filter(({ kind }) => kind !== "direct");
  // Archived rooms are read-only: they are at the end.
  named.sort((a, b) => Number(a.isArchived) - Number(b.isArchived) || collator.compare(a.title, b.title));
  const direct = rows.filter(({ kind }) => kind === "direct");
  return { rooms: named, direct: direct.sort((a, b) => collator.compare(a.title, b.title)) };
}

/** @param {SidebarRows} rows in the order of the sidebar */
export function allRows({ rooms, direct }) {
  return [...rooms, ...direct];
}

/**
 * Return the room that follows the one that is shown.
 *
 * @param {import("../rooms/room_store.js").RoomStore} store
 * @param {1 | -1} step
 * @param {boolean} onlyUnread
 * @returns {SidebarRow | null}
 */
export function nextRow(store, step, onlyUnread) {
  const rows = allRows(sidebarRows(store));
  const start = rows.findIndex(({ isCurrent }) => isCurrent);
  for (let distance = 1; distance <= rows.length; distance += 1) {
    const row = rows[(start + step * distance + rows.length * 2) % rows.length];
    if (!row.isCurrent && (!onlyUnread || row.mentions > 0 || (row.unread > 0 && !row.isMuted))) return row;
  }
  return null;
}

/**
 * What the title of the window counts: everything addressed to the user, and the unread messages of other rooms unless
 * they are muted.
 *
 * @param {SidebarRow[]} rows
 * @returns {number}
 */
export function totalUnread(rows) {
  return rows.reduce((sum, { unread, mentions, isMuted }) => sum + (isMuted ? mentions : unread), 0);
}

/**
 * @param {import("../rooms/room.js").Room} room
 * @param {import("../rooms/room_store.js").RoomStore} store
 * @returns {SidebarRow}
 */
function toRow(room, store) {
  const { kind, muted, archived, users = [] } = room.info;
  return {
    id: room.id,
    title: room.title,
    kind,
    unread: room.reading.unread.count,
    mentions: room.reading.unread.mentions,
    isMuted: muted,
    isArchived: archived,
    isCurrent: room === store.shown,
    hasDraft: room.writing.draft !== "" && room !== store.shown,
    isOnline: kind === "direct" && users.length === 1 ? store.isOnline(users[0].id) : null,
  };
}
