/** Administration of API tokens, with which programs act as a user. */

import { ApiError } from "../net/api.js";
import { confirmButton } from "../ui/confirm_button.js";
import { element, formControl } from "../ui/dom.js";
import { FieldError } from "../ui/form_errors.js";
import { collapsed, createForm, LIFETIMES, USERNAME_ATTRIBUTES } from "../ui/form.js";
import { SecretOutput } from "./one_time_secret.js";
import { PagedTable } from "./paged_table.js";
import { renderBadge, renderTime } from "./table_cells.js";

const SCOPES = [
  { scope: "chat:read", label: "Read messages", isDefault: true },
  { scope: "chat:write", label: "Write messages", isDefault: true },
  { scope: "admin", label: "Administer", isDefault: false },
];
const DEFAULT_LIFETIME = "2592000"; // 30 days: long enough to be useful, short enough to be reviewed

/**
 * @typedef {object} Token
 * @property {string} id
 * @property {{name: string}} user
 * @property {string | null} label
 * @property {string[]} scopes
 * @property {string} created_at
 * @property {string} expires_at
 * @property {string | null} last_used_at
 * @property {string | null} revoked_at
 */

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function tokensSection({ request, clock }) {
  const output = new SecretOutput();
  const form = createForm({
    label: "Issue a token",
    clock,
    fields: [
      { name: "user", label: "User", attributes: USERNAME_ATTRIBUTES },
      {
        name: "label",
        label: "Label",
        hint: "What the token is for.",
        attributes: { autocomplete: "off", maxlength: "100" },
      },
      { name: "ttl_seconds", label: "Valid for", options: LIFETIMES },
    ],
    extra: [["scopes", renderScopes()]],
    submit: "Issue token",
    async send({ user, label, ttl_seconds: seconds }) {
      const scopes = new FormData(form).getAll("scope");
      if (scopes.length === 0) throw new FieldError("Choose at least one permission.", "scopes");
      const body = { user, scopes, ttl_seconds: Number(seconds), ...(label === "" ? {} : { label }) };
      const { token } = await request("POST", "/api/admin/tokens", body).catch((error) => {
        const isUnknownUser = error instanceof ApiError && error.status === 404; // nothing else in the request can be missing
        throw isUnknownUser ? new FieldError(error.message, "user") : error;
      });
      form.reset();
      formControl(form, "ttl_seconds").value = DEFAULT_LIFETIME;
      output.show({
        title: `New token for ${user}`,
        lead: "A program sends it as “Authorization: Bearer …”. Anyone who has it has its permissions. It is shown only once.",
        lines: [token],
      });
      await table.reload();
    },
  });
  formControl(form, "ttl_seconds").value = DEFAULT_LIFETIME;

  /** @type {PagedTable<Token>} */
  const table = new PagedTable({
    label: "API tokens",
    columns: ["Token", "Permissions", "Created", "Expires", "Last used", ""],
    empty: "There are no tokens.",
    async load() {
      const { tokens, next = null } = await request("GET", "/api/admin/tokens");
      return { items: tokens, next };
    },
    renderCells(token, row) {
      const state = stateOf(token, clock.now());
      return [
        element(
          "span",
          {},
          element("bdi", { class: "name" }, token.user.name),
          token.label ? ` · ${token.label} ` : " ",
          state === "valid" ? null : renderBadge(state, state === "revoked" ? "bad" : ""),
        ),
        token.scopes.join(", "),
        renderTime(token.created_at),
        renderTime(token.expires_at),
        renderTime(token.last_used_at),
        state === "valid"
          ? confirmButton("Revoke", "Revoke token?", () =>
              row.run(async () => {
                await request("DELETE", `/api/admin/tokens/${token.id}`);
                row.update({ ...token, revoked_at: new Date(clock.now()).toISOString() });
              }),
            )
          : null,
      ];
    },
  });

  return [collapsed("Issue a token", form), output.node, table.node];
}

/**
 * @param {Token} token
 * @param {number} now
 */
function stateOf({ revoked_at: revokedAt, expires_at: expiresAt }, now) {
  if (revokedAt) return "revoked";
  return Date.parse(expiresAt) <= now ? "expired" : "valid";
}

function renderScopes() {
  return element(
    "fieldset",
    {},
    element("legend", {}, "Permissions"),
    ...SCOPES.map(({ scope, label, isDefault }) =>
      element(
        "label",
        { class: "checkbox" },
        element("input", { type: "checkbox", name: "scope", value: scope, checked: isDefault }),
        label,
      ),
    ),
  );
}
