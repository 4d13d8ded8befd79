/** Administration of API tokens, with which programs act as a user. */

import { ApiError } from "../net/http/api.js";
import { SecretOutput } from "../settings/one_time_secret.js";
import { PagedTable } from "../settings/paged_table.js";
import { renderBadge, renderTime } from "../settings/table_cells.js";
import { text } from "../strings/strings.js";
import { button, element, formControl } from "../ui/dom.js";
import { FieldError } from "../ui/form_errors.js";
import { collapsed, createForm, spanOptions, USERNAME_ATTRIBUTES } from "../ui/form.js";
import { confirmInModal } from "../ui/modal.js";

const SCOPES = [
  { scope: "chat:read", label: /** @type {const} */ ("tokens.scope.read"), isDefault: true },
  { scope: "chat:write", label: /** @type {const} */ ("tokens.scope.write"), isDefault: true },
  { scope: "admin", label: /** @type {const} */ ("tokens.scope.admin"), isDefault: false },
];
const DAY_SECONDS = 86_400;
const LIFETIMES = [3_600, ...[1, 7, 30, 90, 365].map((days) => days * DAY_SECONDS)];
/** Long enough to be useful, short enough to be reviewed. */
const DEFAULT_LIFETIME = 30 * DAY_SECONDS;

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
 * @param {import("../settings/settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function tokensSection({ request, clock }) {
  const output = new SecretOutput();
  const form = createForm({
    label: text("tokens.issue"),
    clock,
    fields: [
      { name: "user", label: text("tokens.user"), attributes: USERNAME_ATTRIBUTES },
      {
        name: "label",
        label: text("tokens.label"),
        hint: text("tokens.label_hint"),
        attributes: { autocomplete: "off", maxlength: "100" },
      },
      { name: "ttl_seconds", label: text("tokens.lifetime"), options: spanOptions(LIFETIMES) },
    ],
    extra: [["scopes", renderScopes()]],
    submit: text("tokens.submit"),
    async send({ user, label, ttl_seconds: seconds }) {
      const scopes = new FormData(form).getAll("scope");
      if (scopes.length === 0) throw new FieldError(text("tokens.no_scope"), "scopes");
      const body = { user, scopes, ttl_seconds: Number(seconds), ...(label === "" ? {} : { label }) };
      const { token } = await request("POST", "/api/admin/tokens", body).catch((error) => {
        const isUnknownUser = error instanceof ApiError && error.status === 404; // nothing else in the request can be missing
        throw isUnknownUser ? new FieldError(error.message, "user") : error;
      });
      form.reset();
      formControl(form, "ttl_seconds").value = String(DEFAULT_LIFETIME);
      output.show({
        title: text("tokens.secret_title", { name: user }),
        lead: text("tokens.secret_lead"),
        lines: [token],
      });
      await table.reload();
    },
  });
  formControl(form, "ttl_seconds").value = String(DEFAULT_LIFETIME);

  /**
   * @param {Token} token
   * @param {import("../settings/paged_table.js").RowActions<Token>} row
   */
  const askToRevoke = (token, row) =>
    confirmInModal({
      question: text("tokens.revoke_question", { name: token.user.name }),
      action: text("tokens.revoke"),
      run: () =>
        void row.run(async () => {
          await request("DELETE", `/api/admin/tokens/${token.id}`);
          row.update({ ...token, revoked_at: new Date(clock.now()).toISOString() });
        }),
    });

  /** @type {PagedTable<Token>} */
  const table = new PagedTable({
    label: text("tokens.title"),
    columns: [
      text("tokens.token"),
      text("tokens.scopes"),
      text("tokens.created"),
      text("tokens.expires"),
      text("tokens.last_used"),
      "",
    ],
    empty: text("tokens.empty"),
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
          state === "valid" ? null : renderBadge(text(`tokens.${state}`), state === "revoked" ? "bad" : ""),
        ),
        token.scopes.map(scopeLabel).join(", "),
        renderTime(token.created_at),
        renderTime(token.expires_at),
        renderTime(token.last_used_at),
        state === "valid" ? button(text("tokens.revoke"), () => askToRevoke(token, row), { class: "secondary" }) : null,
      ];
    },
  });

  return [collapsed(text("tokens.issue"), form), output.node, table.node];
}

/**
 * @param {Token} token
 * @param {number} now
 */
function stateOf({ revoked_at: revokedAt, expires_at: expiresAt }, now) {
  if (revokedAt) return "revoked";
  return Date.parse(expiresAt) <= now ? "expired" : "valid";
}

/** @param {string} scope */
function scopeLabel(scope) {
  const known = SCOPES.find((one) => one.scope === scope);
  return known === undefined ? scope : text(known.label);
}

function renderScopes() {
  return element(
    "fieldset",
    {},
    element("legend", {}, text("tokens.scopes")),
    ...SCOPES.map(({ scope, label, isDefault }) =>
      element(
        "label",
        { class: "checkbox" },
        element("input", { type: "checkbox", name: "scope", value: scope, checked: isDefault }),
        text(label),
      ),
    ),
  );
}
