/** Administration of users: who there is, new ones, roles, disabled accounts, lost passwords and second factors. */

import { element } from "../dom.js";
import { askingButton } from "./asking_button.js";
import { createForm } from "./form.js";
import { createList } from "./list.js";
import { shownOnce } from "./shown_once.js";
import { mark, moment } from "./words.js";

/** @type {[string, string][]} */
const ROLES = [["member", "Member"], ["moderator", "Moderator"], ["admin", "Administrator"]];
const PAGE = 50;

/** @param {import("./settings.js").Desk} desk */
export function usersSection({ session, call, clock }) {
  const told = element("div", { class: "told" });
  const tell = (title, password) => {
    const lead = "It works once: at the first sign-in a password of one's own is chosen. It is shown only now.";
    told.replaceChildren(shownOnce({ title, lead, lines: [password] }));
    told.firstElementChild.focus();
    told.scrollIntoView({ block: "nearest" });
  };

  const form = createForm({
    label: "Create a user",
    clock,
    fields: [
      { name: "username", label: "Username", attributes: { autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true } },
      { name: "role", label: "Role", options: ROLES },
    ],
    submit: "Create user",
    async run(body) {
      const { user, one_time_password: password } = await call("POST", "/api/admin/users", body);
      form.reset();
      tell(`One-time password of ${user.name}`, password);
      await list.reload();
    },
  });

  const list = createList({
    label: "Users",
    columns: ["Name", "Role", "Created", ""],
    empty: "There are no users.",
    async load(after) {
      const { users, next } = await call("GET", `/api/admin/users?limit=${PAGE}${after === null ? "" : `&after=${encodeURIComponent(after)}`}`);
      return { items: users, next };
    },
    draw(user, { act, redraw }) {
      const patch = (change) => act(async () => redraw(await call("PATCH", `/api/admin/users/${user.id}`, change)));
      const own = user.id === session.user.id;
      return [
        element("span", {}, element("bdi", { class: "name" }, user.name), ...marks(user, own)),
        own ? roleName(user.role) : roleControl(user, patch),
        moment(user.created_at),
        own ? null : element("div", { class: "buttons" },
          askingButton("Reset password", "Really reset it?", () => act(async () => {
            const { one_time_password: password } = await call("POST", `/api/admin/users/${user.id}/reset-password`);
            redraw({ ...user, must_change_password: true });
            tell(`One-time password of ${user.name}`, password);
          })),
          user.totp_enabled ? askingButton("Reset second factor", "Really reset it?", () => act(async () => {
            await call("POST", `/api/admin/users/${user.id}/reset-second-factor`);
            redraw({ ...user, totp_enabled: false });
          })) : null,
          user.disabled
            ? askingButton("Enable", "Really enable?", () => patch({ disabled: false }))
            : askingButton("Disable", "Really disable?", () => patch({ disabled: true }))),
      ];
    },
  });

  return [element("details", { class: "maker" }, element("summary", {}, "Create a user"), form), told, list.node];
}

function marks({ disabled, must_change_password: waits, totp_enabled: second }, own) {
  return [
    own ? mark("you") : "",
    disabled ? mark("disabled", "bad") : "",
    second ? mark("second factor", "good") : "",
    waits ? mark("must choose a password") : "",
  ].flatMap((node) => (node === "" ? [] : [" ", node]));
}

function roleName(role) {
  return ROLES.find(([value]) => value === role)?.[1] ?? role;
}

/** A select, and a button that appears with a difference: arrow keys on a select alone would already act. */
function roleControl(user, patch) {
  const options = ROLES.map(([value, words]) => element("option", { value, selected: value === user.role }, words));
  const select = element("select", { "aria-label": `Role of ${user.name}` }, ...options);
  const save = element("button", { type: "button", class: "plain", hidden: true }, "Save");
  select.addEventListener("change", () => {
    save.hidden = select.value === user.role;
  });
  save.addEventListener("click", () => patch({ role: select.value }));
  return element("div", { class: "buttons" }, select, save);
}
