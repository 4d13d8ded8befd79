/** Add people to a room. */

import { text } from "../../strings/strings.js";
import { button, element } from "../../ui/dom.js";
import { openModal } from "../../ui/modal.js";
import { SearchList } from "../../ui/lists/search_list.js";
import { showError, showNotice } from "../dialog_error.js";

/**
 * @param {Pick<import("../context.js").RoomDialogContext, "api" | "self" | "clock">} context
 * @param {Pick<import("../../rooms/room.js").Room, "id" | "title">} room
 * @param {() => void} onAdded
 */
export function openInviteDialog({ api, self, clock }, room, onAdded) {
  openModal({
    title: text("invite.title", { room: room.title }),
    content(modal) {
      /** @param {import("../../net/protocol.js").Author} user */
      async function add(user) {
        try {
          await api.putMember(room.id, user.id);
          showNotice(modal.node, text("invite.added", { name: user.name }));
          onAdded();
          list.clear();
        } catch (error) {
          showError(modal.node, error);
        }
      }
      /** @type {SearchList<import("../../net/protocol.js").Author>} */
      const list = new SearchList({
        clock,
        label: text("invite.search"),
        listLabel: text("members.invite"),
        empty: text("invite.empty"),
        prompt: text("invite.prompt"),
        async load(query) {
          const [{ users }, { members }] = await Promise.all([api.findUsers(query), api.listMembers(room.id, query)]);
          const present = new Set([self.id, ...members.map(({ id }) => id)]);
          return { items: users.filter(({ id }) => !present.has(id)), next: null };
        },
        renderItem: (user) => [
          element("bdi", { class: "row-title row-text" }, user.name),
          button(text("invite.add"), () => add(user), {
            class: "secondary",
            "aria-label": text("invite.add_person", { name: user.name }),
          }),
        ],
      });
      return [list.node];
    },
  });
}
