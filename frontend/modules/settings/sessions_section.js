/** The devices on which the user is signed in. Ending a session helps with a lost phone or a borrowed computer. */

import { formatDevice } from "../format.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { confirmInModal } from "../ui/modal.js";
import { PagedTable } from "./paged_table.js";
import { renderBadge, renderTime } from "./table_cells.js";

/**
 * @typedef {object} SessionItem
 * @property {string} id
 * @property {string} client
 * @property {string | null} last_used_at
 * @property {string} created_at
 * @property {boolean} current
 */

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function sessionsSection({ request }) {
  /**
   * @param {SessionItem} item
   * @param {import("./paged_table.js").RowActions<SessionItem>} row
   */
  const askToEnd = (item, row) =>
    confirmInModal({
      question: text("sessions.end_question", { device: formatDevice(item.client) }),
      action: text("sessions.end"),
      run: () =>
        void row.run(async () => {
          await request("DELETE", `/api/auth/sessions/${item.id}`);
          row.remove();
        }),
    });
  /** @type {PagedTable<SessionItem>} */
  const table = new PagedTable({
    label: text("sessions.table"),
    columns: [text("sessions.device"), text("sessions.last_used"), text("sessions.signed_in"), ""],
    empty: text("sessions.empty"),
    async load() {
      const { sessions } = await request("GET", "/api/auth/sessions");
      return { items: sessions, next: null };
    },
    renderCells: (item, row) => [
      element(
        "span",
        { title: item.client },
        formatDevice(item.client),
        " ",
        item.current ? renderBadge(text("sessions.this_one"), "good") : null,
      ),
      renderTime(item.last_used_at),
      renderTime(item.created_at),
      item.current ? null : button(text("sessions.end"), () => askToEnd(item, row), { class: "secondary" }),
    ],
  });
  return [element("p", { class: "subtle" }, text("sessions.lead")), table.node];
}
