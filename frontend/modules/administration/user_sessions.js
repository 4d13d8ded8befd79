/** The sessions of a user, for an administrator: a lost phone can be signed out without a new password. */

import { formatDevice } from "../format.js";
import { PagedTable } from "../settings/paged_table.js";
import { renderTime } from "../settings/table_cells.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { confirmInModal, openModal } from "../ui/modal.js";

/** @typedef {import("../settings/sessions_section.js").SessionItem} SessionItem */

/**
 * @param {import("../net/http/authenticated_api.js").AuthenticatedRequest} request
 * @param {import("./users_section.js").UserItem} user
 */
export function openUserSessions(request, { id, name }) {
  const url = `/api/admin/users/${id}/sessions`;
  /**
   * @param {SessionItem} item
   * @param {import("../settings/paged_table.js").RowActions<SessionItem>} row
   */
  const askToEnd = (item, row) =>
    confirmInModal({
      question: text("sessions.end_question", { device: formatDevice(item.client) }),
      action: text("sessions.end"),
      run: () =>
        void row.run(async () => {
          await request("DELETE", `${url}/${item.id}`);
          row.remove();
        }),
    });
  openModal({
    title: text("users.sessions_title", { name }),
    className: "wide",
    content() {
      /** @type {PagedTable<SessionItem>} */
      const table = new PagedTable({
        label: text("users.sessions_title", { name }),
        columns: [text("sessions.device"), text("sessions.last_used"), text("sessions.signed_in"), ""],
        empty: text("users.sessions_empty", { name }),
        async load() {
          const { sessions } = await request("GET", url);
          return { items: sessions, next: null };
        },
        renderCells: (item, row) => [
          element("span", { title: item.client }, formatDevice(item.client)),
          renderTime(item.last_used_at),
          renderTime(item.created_at),
          button(text("sessions.end"), () => askToEnd(item, row), { class: "secondary" }),
        ],
      });
      return [table.node];
    },
  });
}
