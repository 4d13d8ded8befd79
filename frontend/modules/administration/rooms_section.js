/** Administration of rooms: the list of all public and private rooms. */

import { createRoomApi } from "../rooms/room_api.js";
import { renderBadge, renderTime } from "../settings/table_cells.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { SearchList } from "../ui/lists/search_list.js";
import { openRoomDialog } from "./room_dialog.js";

const PAGE_SIZE = 50;

/**
 * @typedef {object} ListedRoom
 * @property {string} id
 * @property {"public" | "private"} kind
 * @property {string} name
 * @property {number} members
 * @property {boolean} archived
 * @property {string} created_at
 */

/**
 * @param {import("../settings/settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function roomsSection({ request, download, session, clock }) {
  const { user } = session;
  if (user === null) return [];
  const context = { api: createRoomApi(request), self: user, clock, download };
  /** @type {SearchList<ListedRoom>} */
  const list = new SearchList({
    clock,
    label: text("rooms.search"),
    listLabel: text("rooms.title"),
    empty: text("rooms.empty"),
    async load(query, cursor) {
      const page = new URLSearchParams({ q: query, limit: String(PAGE_SIZE), ...(cursor === null ? {} : { cursor }) });
      const { rooms, next } = await request("GET", `/api/admin/rooms?${page}`);
      return { items: rooms, next };
    },
    renderItem: (room) => [
      element(
        "div",
        { class: "row-text" },
        element("bdi", { class: "row-title" }, room.name),
        ...renderBadges(room),
        element(
          "p",
          { class: "hint" },
          `${text("browse.members", { count: room.members })} · ${text("rooms.created")} `,
          renderTime(room.created_at),
        ),
      ),
      button(text("rooms.manage"), () => openRoomDialog(context, room, () => void list.reload()), {
        class: "secondary",
        "aria-label": text("rooms.manage_room", { name: room.name }),
      }),
    ],
  });
  return [element("p", { class: "subtle" }, text("rooms.lead")), list.node];
}

/** @param {ListedRoom} room */
function renderBadges({ kind, archived }) {
  return [
    kind === "private" ? renderBadge(text("rooms.private")) : null,
    archived ? renderBadge(text("rooms.archived")) : null,
  ].flatMap((badge) => (badge === null ? [] : [" ", badge]));
}
