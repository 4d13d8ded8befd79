/** Find public rooms, and join or open them. */

import { roomHash } from "../route.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { navigate } from "../ui/layers.js";
import { openModal } from "../ui/modal.js";
import { SearchList } from "../ui/lists/search_list.js";
import { showError } from "./dialog_error.js";

/** @typedef {import("./context.js").RoomDialogContext} RoomDialogContext */

/** @param {RoomDialogContext} context */
export function openBrowseDialog({ api, self, clock }) {
  openModal({
    title: text("browse.title"),
    content(modal) {
      /** @param {string} id */
      const open = (id) => navigate(roomHash(id));
      /** @param {string} id */
      async function join(id) {
        try {
          await api.putMember(id, self.id);
          open(id);
        } catch (error) {
          showError(modal.node, error);
        }
      }
      /** @type {SearchList<import("../rooms/room_api.js").PublicRoom>} */
      const list = new SearchList({
        clock,
        label: text("browse.search"),
        listLabel: text("browse.title"),
        empty: text("browse.empty"),
        async load(query, cursor) {
          const { rooms, next } = await api.findPublicRooms(query, cursor);
          return { items: rooms, next };
        },
        renderItem: ({ id, name, topic, members, joined }) => [
          element(
            "div",
            { class: "row-text" },
            element("bdi", { class: "row-title" }, name),
            element("span", { class: "hint" }, text("browse.members", { count: members })),
            topic === "" ? null : element("p", { class: "hint" }, element("bdi", {}, topic)),
          ),
          joined
            ? button(text("browse.open"), () => open(id), {
                class: "secondary",
                "aria-label": text("browse.open_room", { name }),
              })
            : button(text("browse.join"), () => join(id), {
                class: "primary",
                "aria-label": text("browse.join_room", { name }),
              }),
        ],
      });
      return [list.node];
    },
  });
}
