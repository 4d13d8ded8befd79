/** The devices on which the user is signed in. Ending a session helps with a lost phone or a borrowed computer. */

import { formatDevice } from "../format.js";
import { confirmButton } from "../ui/confirm_button.js";
import { element } from "../ui/dom.js";
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
  /** @type {PagedTable<SessionItem>} */
  const table = new PagedTable({
    label: "Your sessions",
    columns: ["Device", "Last used", "Signed in", ""],
    empty: "There are no sessions.",
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
        item.current ? renderBadge("this one", "good") : null,
      ),
      renderTime(item.last_used_at),
      renderTime(item.created_at),
      item.current
        ? null
        : confirmButton("End", "End session?", () =>
            row.run(async () => {
              await request("DELETE", `/api/auth/sessions/${item.id}`);
              row.remove();
            }),
          ),
    ],
  });
  return [
    element(
      "p",
      { class: "subtle" },
      "The devices on which you are signed in. When you end a session, its device is signed out within seconds.",
    ),
    table.node,
  ];
}
