/** Administration of invites: with each one, one person can register. */

import { text } from "../strings/strings.js";
import { SecretOutput } from "../settings/one_time_secret.js";
import { PagedTable } from "../settings/paged_table.js";
import { renderBadge, renderTime } from "../settings/table_cells.js";
import { button, element, formControl } from "../ui/dom.js";
import { collapsed, createForm, spanOptions } from "../ui/form.js";
import { confirmInModal } from "../ui/modal.js";
import { inviteSecret } from "./invite_link.js";

const DAY_SECONDS = 86_400;
const LIFETIMES = [3_600, DAY_SECONDS, 7 * DAY_SECONDS, 30 * DAY_SECONDS];
const DEFAULT_LIFETIME = 7 * DAY_SECONDS;

/**
 * @typedef {object} Invite
 * @property {string} id
 * @property {string} label whom it is for; may be empty
 * @property {string} created_at
 * @property {string | null} created_by null: the command line, or a user who was deleted
 * @property {string} expires_at
 * @property {string | null} used_at
 * @property {string | null} used_by
 */

/**
 * @param {import("../settings/settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function invitesSection({ request, clock }) {
  const output = new SecretOutput();
  const form = createForm({
    label: text("invites.create"),
    clock,
    fields: [
      {
        name: "label",
        label: text("invites.label"),
        hint: text("invites.label_hint"),
        attributes: { autocomplete: "off", maxlength: "100" },
      },
      { name: "ttl_seconds", label: text("invites.lifetime"), options: spanOptions(LIFETIMES) },
    ],
    submit: text("invites.create_submit"),
    async send({ label, ttl_seconds: seconds }) {
      const { invite } = await request("POST", "/api/admin/invites", { label, ttl_seconds: Number(seconds) });
      formControl(form, "label").value = "";
      output.show(inviteSecret(invite));
      await table.reload();
    },
  });
  formControl(form, "ttl_seconds").value = String(DEFAULT_LIFETIME);

  /**
   * @param {Invite} invite
   * @param {import("../settings/paged_table.js").RowActions<Invite>} row
   */
  const askToDelete = (invite, row) =>
    confirmInModal({
      question: text("invites.delete_question"),
      action: text("invites.delete"),
      run: () =>
        void row.run(async () => {
          await request("DELETE", `/api/admin/invites/${invite.id}`);
          row.remove();
        }),
    });

  /** @type {PagedTable<Invite>} */
  const table = new PagedTable({
    label: text("invites.title"),
    columns: [text("invites.label"), text("invites.created"), text("invites.expires"), text("invites.state"), ""],
    empty: text("invites.empty"),
    async load() {
      const { invites, next = null } = await request("GET", "/api/admin/invites");
      return { items: invites, next };
    },
    renderCells: (invite, row) => [
      invite.label === "" ? text("invites.unlabelled") : element("bdi", { class: "name" }, invite.label),
      renderCreation(invite),
      renderTime(invite.expires_at),
      renderState(invite, clock.now()),
      button(text("invites.delete"), () => askToDelete(invite, row), { class: "secondary" }),
    ],
  });

  return [collapsed(text("invites.create"), form), output.node, table.node];
}

/** @param {Invite} invite */
function renderCreation({ created_at: at, created_by: name }) {
  return name === null ? renderTime(at) : element("span", {}, renderTime(at), " · ", element("bdi", {}, name));
}

/**
 * @param {Invite} invite
 * @param {number} now
 */
function renderState({ used_at: usedAt, used_by: name, expires_at: expiresAt }, now) {
  if (usedAt) {
    return element("span", {}, renderBadge(text("invites.used")), name ? element("bdi", {}, ` ${name}`) : null);
  }
  return Date.parse(expiresAt) <= now
    ? renderBadge(text("invites.expired"))
    : renderBadge(text("invites.open"), "good");
}
