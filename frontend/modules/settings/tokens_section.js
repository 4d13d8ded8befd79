/** Administration of API tokens: for programs that speak in a user's name. */

import { element } from "../dom.js";
import { askingButton } from "./asking_button.js";
import { createForm } from "./form.js";
import { createList } from "./list.js";
import { shownOnce } from "./shown_once.js";
import { LIFETIMES, mark, moment } from "./words.js";

/** @type {[string, string, boolean][]} scope, words, whether it is chosen at first */
const SCOPES = [
  ["chat:read", "Read messages", true],
  ["chat:write", "Write messages", true],
  ["admin", "Administer", false],
];

const USUAL = "2592000"; // 30 days: long enough to be useful, short enough to be thought of again

/** @param {import("./settings.js").Desk} desk */
export function tokensSection({ call, clock }) {
  const told = element("div", { class: "told" });
  const scopes = element("fieldset", {}, element("legend", {}, "It may"),
    ...SCOPES.map(([value, words, checked]) =>
      element("label", { class: "choice" }, element("input", { type: "checkbox", name: "scope", value, checked }), words)));
  const form = createForm({
    label: "Issue a token",
    clock,
    fields: [
      { name: "user", label: "For the user", attributes: { autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true } },
      { name: "label", label: "Label", advice: "What it is for, so that one knows later.", attributes: { autocomplete: "off", maxlength: "100" } },
      { name: "ttl_seconds", label: "Good for", options: LIFETIMES },
    ],
    extra: [["scopes", scopes]],
    submit: "Issue token",
    async run({ user, label, ttl_seconds: seconds }) {
      const chosen = new FormData(form).getAll("scope");
      if (chosen.length === 0) throw Object.assign(new Error("Choose at least one thing that it may do."), { field: "scopes" });
      const body = { user, scopes: chosen, ttl_seconds: Number(seconds), ...(label === "" ? {} : { label }) };
      const { token } = await call("POST", "/api/admin/tokens", body).catch((error) => {
        if (error.status === 404) error.field = "user"; // the one thing in it that may be missing
        throw error;
      });
      form.reset();
      form.elements.namedItem("ttl_seconds").value = USUAL;
      told.replaceChildren(shownOnce({
        title: `New token for ${user}`,
        lead: "A program sends it as “Authorization: Bearer …”. Whoever has it can do what it may. It is shown only now.",
        lines: [token],
      }));
      told.firstElementChild.focus();
      await list.reload();
    },
  });

  form.elements.namedItem("ttl_seconds").value = USUAL;

  const list = createList({
    label: "API tokens",
    columns: ["Token", "May", "Created", "Ends", "Last used", ""],
    empty: "There are no tokens.",
    async load() {
      const { tokens, next = null } = await call("GET", "/api/admin/tokens");
      return { items: tokens, next };
    },
    draw(token, { act, redraw }) {
      const revoked = Boolean(token.revoked_at);
      const ended = revoked || Date.parse(token.expires_at) <= clock.now();
      const state = revoked ? mark("revoked", "bad") : ended ? mark("expired") : null;
      return [
        element("span", {}, element("bdi", { class: "name" }, token.user.name), token.label ? ` · ${token.label} ` : " ", state),
        token.scopes.join(", "),
        moment(token.created_at),
        moment(token.expires_at),
        moment(token.last_used_at),
        ended ? null : askingButton("Revoke", "Really revoke it?", () => act(async () => {
          await call("DELETE", `/api/admin/tokens/${token.id}`);
          redraw({ ...token, revoked_at: new Date(clock.now()).toISOString() });
        })),
      ];
    },
  });

  return [element("details", { class: "maker" }, element("summary", {}, "Issue a token"), form), told, list.node];
}
