/** Administration of invites: with each one, one person can register. */

import { inviteHash } from "../route.js";
import { text } from "../strings/strings.js";
import { confirmButton } from "../ui/confirm_button.js";
import { element, formControl } from "../ui/dom.js";
import { collapsed, createForm, LIFETIMES } from "../ui/form.js";
import { SecretOutput } from "./one_time_secret.js";
import { PagedTable } from "./paged_table.js";
import { renderBadge, renderTime } from "./table_cells.js";

const DEFAULT_LIFETIME = "604800"; // 7 days

/**
 * @typedef {object} Invite
 * @property {string} id
 * @property {string} created_at
 * @property {string} expires_at
 * @property {string | null} used_at
 * @property {string | null} used_by
 */

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function invitesSection({ request, clock }) {
  const output = new SecretOutput();
  const form = createForm({
    label: "Create an invite",
    clock,
    fields: [{ name: "ttl_seconds", label: "Valid for", options: LIFETIMES.slice(0, 4) }],
    submit: "Create invite",
    async send({ ttl_seconds: seconds }) {
      const { invite } = await request("POST", "/api/admin/invites", { ttl_seconds: Number(seconds) });
      output.show({
        title: text("welcome.link"),
        lead: text("welcome.link_lead"),
        lines: [inviteLink(invite)],
      });
      await table.reload();
    },
  });
  formControl(form, "ttl_seconds").value = DEFAULT_LIFETIME;

  /** @type {PagedTable<Invite>} */
  const table = new PagedTable({
    label: "Invites",
    columns: ["Created", "Expires", "State", ""],
    empty: "There are no invites.",
    async load() {
      const { invites, next = null } = await request("GET", "/api/admin/invites");
      return { items: invites, next };
    },
    renderCells: (invite, row) => [
      renderTime(invite.created_at),
      renderTime(invite.expires_at),
      renderState(invite, clock.now()),
      confirmButton("Delete", "Delete invite?", () =>
        row.run(async () => {
          await request("DELETE", `/api/admin/invites/${invite.id}`);
          row.remove();
        }),
      ),
    ],
  });

  return [collapsed("Create an invite", form), output.node, table.node];
}

/**
 * Return the address that opens the registration with the code filled in.
 *
 * @param {string} code
 * @returns {string}
 */
export function inviteLink(code) {
  return new URL(inviteHash(code), location.href).href;
}

/**
 * @param {Invite} invite
 * @param {number} now
 */
function renderState({ used_at: usedAt, used_by: name, expires_at: expiresAt }, now) {
  if (usedAt) return element("span", {}, renderBadge("used"), name ? element("bdi", {}, ` ${name}`) : null);
  return Date.parse(expiresAt) <= now ? renderBadge("expired") : renderBadge("open", "good");
}
