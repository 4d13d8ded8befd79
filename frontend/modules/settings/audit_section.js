/** The audit log, newest entry first: who did what to whom, when, from where, and whether it was allowed. */

import { formatDevice } from "../format.js";
import { element } from "../ui/dom.js";
import { PagedTable } from "./paged_table.js";
import { renderBadge, renderIdentifier, renderTime } from "./table_cells.js";

const PAGE_SIZE = 50;

/**
 * @typedef {object} AuditEntry
 * @property {string} at
 * @property {string} actor
 * @property {string} actor_name
 * @property {string} action
 * @property {string} target
 * @property {string} target_name
 * @property {string} address
 * @property {string} result
 * @property {string} detail
 */

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function auditSection({ request }) {
  /** @type {PagedTable<AuditEntry>} */
  const table = new PagedTable({
    label: "Audit log",
    columns: ["Time", "Actor", "Action", "Target", "Address", "Result"],
    empty: "The audit log is empty.",
    more: "Show older entries",
    async load(before) {
      const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(before === null ? {} : { before }) });
      const { entries, next } = await request("GET", `/api/admin/audit?${query}`);
      return { items: entries, next };
    },
    renderCells: (entry) => [
      renderTime(entry.at),
      element("bdi", {}, entry.actor_name || entry.actor || "—"),
      element(
        "span",
        {},
        element("code", {}, entry.action),
        entry.detail ? element("span", { class: "hint" }, ` ${entry.detail}`) : null,
      ),
      renderTarget(entry),
      renderIdentifier(entry.address),
      renderBadge(entry.result, entry.result === "done" ? "good" : "bad"),
    ],
  });
  return [
    element("p", { class: "subtle" }, "What was done to accounts, tokens and invites, and what was refused."),
    table.node,
  ];
}

/** @param {AuditEntry} entry */
function renderTarget({ action, target, target_name: name }) {
  // A session is shown by its device: its id means nothing to a person.
  if (action.startsWith("session.")) return element("span", { title: target }, name ? formatDevice(name) : "—");
  return name ? element("bdi", {}, name) : renderIdentifier(target);
}
