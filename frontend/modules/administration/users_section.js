/** Administration of users: create them, change roles, disable accounts, reset lost passwords and second factors. */

import { messageOf } from "../error_text.js";
import { trimPasted } from "../pasted_text.js";
import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { collapsed, createForm, USERNAME_ATTRIBUTES } from "../ui/form.js";
import { menuButton } from "../ui/menu.js";
import { SearchList } from "../ui/lists/search_list.js";
import { SecretOutput } from "../settings/one_time_secret.js";
import { renderBadge, renderTime } from "../settings/table_cells.js";
import { ROLES, roleLabel, userActions } from "./user_actions.js";

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
 * @param {import("../settings/settings_dialog.js").SettingsContext} context
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
      title: text("users.password_title", { name }),
      lead: text("users.password_lead"),
      lines: [password],
    });

  const form = createForm({
    label: text("users.create"),
    clock,
    fields: [
      { name: "username", label: text("users.name"), clean: trimPasted, attributes: USERNAME_ATTRIBUTES },
      { name: "role", label: text("users.role"), options: ROLES.map((role) => [role, roleLabel(role)]) },
    ],
    submit: text("users.create_submit"),
    async send(body) {
      const { user, one_time_password: password } = await request("POST", "/api/admin/users", body);
      form.reset();
      showPassword(user.name, password);
      await list.reload();
    },
  });

  const problem = element("p", { class: "error", role: "alert", hidden: true });
  /** @param {() => Promise<void>} step */
  async function run(step) {
    problem.hidden = true;
    try {
      await step();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problem.textContent = messageOf(error);
      problem.hidden = false;
      problem.scrollIntoView({ block: "nearest" });
    }
  }

  /** @type {SearchList<UserItem>} */
  const list = new SearchList({
    clock,
    label: text("users.search"),
    listLabel: text("users.title"),
    empty: text("users.empty"),
    async load(query, after) {
      const page = new URLSearchParams({ q: query, limit: String(PAGE_SIZE), ...(after === null ? {} : { after }) });
      const { users, next } = await request("GET", `/api/admin/users?${page}`);
      return { items: users, next };
    },
    renderItem(user, row) {
      const isSelf = user.id === session.user?.id;
      return [
        element(
          "div",
          { class: "row-text" },
          element("bdi", { class: "row-title" }, user.name),
          ...renderBadges(user, isSelf),
          element("p", { class: "hint" }, text("users.since"), " ", renderTime(user.created_at)),
        ),
        // Administrators cannot change their own role or disable themselves: they could lock themselves out.
        isSelf
          ? null
          : menuButton(text("shell.actions_for", { name: user.name }), () =>
              userActions({ user, request, run, onChange: (changed) => row.update(changed), showPassword }),
            ),
      ];
    },
  });

  return [collapsed(text("users.create"), form), output.node, problem, list.node];
}

/**
 * @param {UserItem} user
 * @param {boolean} isSelf
 * @returns {(Node | string)[]}
 */
function renderBadges(user, isSelf) {
  return [
    isSelf ? renderBadge(text("members.you")) : null,
    user.role === "member" ? null : renderBadge(roleLabel(user.role)),
    user.disabled ? renderBadge(text("users.disabled"), "bad") : null,
    user.totp_enabled ? renderBadge(text("users.second_factor"), "good") : null,
    user.must_change_password ? renderBadge(text("users.must_change")) : null,
  ].flatMap((badge) => (badge === null ? [] : [" ", badge]));
}
