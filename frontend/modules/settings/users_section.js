/** Administration of users: create them, change roles, disable accounts, reset lost passwords and second factors. */

import { trimPasted } from "../pasted_text.js";
import { confirmButton } from "../ui/confirm_button.js";
import { button, element } from "../ui/dom.js";
import { collapsed, createForm, USERNAME_ATTRIBUTES } from "../ui/form.js";
import { SecretOutput } from "./one_time_secret.js";
import { PagedTable } from "./paged_table.js";
import { renderBadge, renderTime } from "./table_cells.js";

/** @type {[value: string, label: string][]} */
const ROLES = [
  ["member", "Member"],
  ["admin", "Administrator"],
];
/** Roles that an account may have and that are not offered: a moderator can do no more than a member. */
const OTHER_ROLES = new Map([["moderator", "Moderator"]]);
const PAGE_SIZE = 50;

/**
 * @typedef {object} UserItem
 * @property {string} id
 * @property {string} name
 * @property {string} role
 * @property {string} created_at
 * @property {boolean} disabled
 * @property {boolean} must_change_password
 * @property {boolean} totp_enabled
 */

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function usersSection({ session, request, clock }) {
  const output = new SecretOutput();
  /**
   * @param {string} name
   * @param {string} password
   */
  const showPassword = (name, password) =>
    output.show({
      title: `One-time password of ${name}`,
      lead: "It works once: at the first sign-in, the user chooses a new password. It is shown only once.",
      lines: [password],
    });

  const form = createForm({
    label: "Create a user",
    clock,
    fields: [
      { name: "username", label: "Username", clean: trimPasted, attributes: USERNAME_ATTRIBUTES },
      { name: "role", label: "Role", options: ROLES },
    ],
    submit: "Create user",
    async send(body) {
      const { user, one_time_password: password } = await request("POST", "/api/admin/users", body);
      form.reset();
      showPassword(user.name, password);
      await table.reload();
    },
  });

  /** @type {PagedTable<UserItem>} */
  const table = new PagedTable({
    label: "Users",
    columns: ["Name", "Role", "Created", ""],
    empty: "There are no users.",
    async load(after) {
      const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(after === null ? {} : { after }) });
      const { users, next } = await request("GET", `/api/admin/users?${query}`);
      return { items: users, next };
    },
    renderCells(user, row) {
      const url = `/api/admin/users/${user.id}`;
      const isSelf = user.id === session.user?.id;
      /** @param {{role?: string, disabled?: boolean}} change */
      const patch = (change) => row.run(async () => row.update(await request("PATCH", url, change)));
      const resetPassword = () =>
        row.run(async () => {
          const { one_time_password: password } = await request("POST", `${url}/reset-password`);
          row.update({ ...user, must_change_password: true });
          showPassword(user.name, password);
        });
      const resetSecondFactor = () =>
        row.run(async () => {
          await request("POST", `${url}/reset-second-factor`);
          row.update({ ...user, totp_enabled: false });
        });
      // Administrators cannot change their own role or disable themselves: they could lock themselves out.
      return [
        element("span", {}, element("bdi", { class: "name" }, user.name), ...renderBadges(user, isSelf)),
        isSelf ? roleLabel(user.role) : renderRoleControl(user, (role) => patch({ role })),
        renderTime(user.created_at),
        isSelf
          ? null
          : element(
              "div",
              { class: "buttons" },
              confirmButton("Reset password", "Reset password?", resetPassword),
              user.totp_enabled
                ? confirmButton("Reset second factor", "Reset second factor?", resetSecondFactor)
                : null,
              user.disabled
                ? confirmButton("Enable", "Enable user?", () => patch({ disabled: false }))
                : confirmButton("Disable", "Disable user?", () => patch({ disabled: true })),
            ),
      ];
    },
  });

  return [collapsed("Create a user", form), output.node, table.node];
}

/**
 * @param {UserItem} user
 * @param {boolean} isSelf
 * @returns {(Node | string)[]}
 */
function renderBadges(user, isSelf) {
  return [
    isSelf ? renderBadge("you") : null,
    user.disabled ? renderBadge("disabled", "bad") : null,
    user.totp_enabled ? renderBadge("second factor", "good") : null,
    user.must_change_password ? renderBadge("must change password") : null,
  ].flatMap((badge) => (badge === null ? [] : [" ", badge]));
}

/** @param {string} role */
function roleLabel(role) {
  return ROLES.find(([value]) => value === role)?.[1] ?? OTHER_ROLES.get(role) ?? role;
}

/**
 * A select, and a button that appears when the choice differs: with a select alone, an arrow key would change the role.
 *
 * @param {UserItem} user
 * @param {(role: string) => void} onSave
 */
function renderRoleControl(user, onSave) {
  const isOffered = ROLES.some(([value]) => value === user.role);
  /** @type {[value: string, label: string][]} */
  const roles = isOffered ? ROLES : [...ROLES, [user.role, roleLabel(user.role)]];
  const options = roles.map(([value, label]) => element("option", { value, selected: value === user.role }, label));
  const select = element("select", { "aria-label": `Role of ${user.name}` }, ...options);
  const save = button("Save", () => onSave(select.value), { class: "secondary", hidden: true });
  select.addEventListener("change", () => {
    save.hidden = select.value === user.role;
  });
  return element("div", { class: "buttons" }, select, save);
}
