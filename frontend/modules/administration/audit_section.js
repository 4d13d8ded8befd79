/** The audit log, newest entry first: who did what to whom, when, from where, and whether it was allowed. */

import { formatDevice } from "../format.js";
import { trimPasted } from "../pasted_text.js";
import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { collapsed, createForm, USERNAME_ATTRIBUTES } from "../ui/form.js";
import { PagedTable } from "../settings/paged_table.js";
import { renderBadge, renderIdentifier, renderTime } from "../settings/table_cells.js";

const PAGE_SIZE = 50;
/** The beginnings of the names of actions. */
const AREAS = /** @type {const} */ (["user", "session", "password", "totp", "room", "token", "invite"]);

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
 * @param {import("../settings/settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function auditSection({ request, clock }) {
  /** @type {Record<string, string>} */
  let filters = {};
  /** @type {PagedTable<AuditEntry>} */
  const table = new PagedTable({
    label: text("audit.title"),
    columns: [
      text("audit.time"),
      text("audit.actor"),
      text("audit.action"),
      text("audit.target"),
      text("audit.address"),
      text("audit.result"),
    ],
    empty: text("audit.empty"),
    more: text("audit.more"),
    async load(before) {
      const query = new URLSearchParams({
        ...filters,
        limit: String(PAGE_SIZE),
        ...(before === null ? {} : { before }),
      });
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
      entry.result === "done" ? renderBadge(text("audit.done"), "good") : renderBadge(text("audit.refused"), "bad"),
    ],
  });
  const form = createForm({
    label: text("audit.filters"),
    clock,
    fields: [
      {
        name: "user",
        label: text("audit.user"),
        hint: text("audit.user_hint"),
        clean: trimPasted,
        attributes: { ...USERNAME_ATTRIBUTES, required: false },
      },
      {
        name: "action",
        label: text("audit.action"),
        options: [["", text("audit.any")], ...AREAS.map(renderArea)],
      },
      {
        name: "result",
        label: text("audit.result"),
        options: [
          ["", text("audit.any")],
          ["done", text("audit.done")],
          ["refused", text("audit.refused")],
        ],
      },
    ],
    submit: text("audit.filter"),
    async send(values) {
      filters = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
      await table.reload();
    },
  });
  return [
    element("p", { class: "subtle" }, text("audit.lead")),
    collapsed(text("audit.filters"), form, "filters"),
    table.node,
  ];
}

/**
 * @param {typeof AREAS[number]} area
 * @returns {[value: string, label: string]}
 */
function renderArea(area) {
  return [area, text(`audit.area.${area}`)];
}

/** @param {AuditEntry} entry */
function renderTarget({ action, target, target_name: name }) {
  // A session is shown by its device: its id means nothing to a person.
  if (action.startsWith("session.")) return element("span", { title: target }, name ? formatDevice(name) : "—");
  return name ? element("bdi", {}, name) : renderIdentifier(target);
}
