/** What an administrator can do about a user: the menu of a row of the list. */

import { text } from "../strings/strings.js";
import { confirmInModal } from "../ui/modal.js";
import { openUserSessions } from "./user_sessions.js";

/** @typedef {import("./users_section.js").UserItem} UserItem */

export const ROLES = /** @type {const} */ (["member", "moderator", "admin"]);

/** @param {string} role of the server */
export function roleLabel(role) {
  const known = ROLES.find((one) => one === role);
  return known === undefined ? role : text(`users.role.${known}`);
}

/**
 * @param {object} options
 * @param {UserItem} options.user
 * @param {import("../net/http/authenticated_api.js").AuthenticatedRequest} options.request
 * @param {(step: () => Promise<void>) => Promise<void>} options.run shows the error of a step
 * @param {(user: UserItem) => void} options.onChange
 * @param {(name: string, password: string) => void} options.showPassword
 * @returns {import("../ui/menu.js").MenuItem[]}
 */
export function userActions({ user, request, run, onChange, showPassword }) {
  const url = `/api/admin/users/${user.id}`;
  const { name } = user;
  /** @param {{role?: string, disabled?: boolean}} change */
  const patch = (change) => run(async () => onChange(await request("PATCH", url, change)));
  /**
   * @param {"users.disable" | "users.reset_password" | "users.reset_second_factor"} key
   * @param {() => Promise<void>} step
   */
  const asked = (key, step) => ({
    label: text(key),
    isDanger: true,
    run: () =>
      confirmInModal({ question: text(`${key}.question`, { name }), action: text(key), run: () => void step() }),
  });
  const roles = ROLES.map((role) => {
    const label = text("members.make_role", { role: roleLabel(role) });
    const isChecked = role === user.role;
    return { label, isChecked, run: () => void (isChecked || patch({ role })) };
  });
  return [
    ...roles,
    ...(user.disabled ? [] : [{ label: text("users.sessions"), run: () => openUserSessions(request, user) }]),
    asked("users.reset_password", () =>
      run(async () => {
        const { one_time_password: password } = await request("POST", `${url}/reset-password`);
        onChange({ ...user, must_change_password: true });
        showPassword(name, password);
      }),
    ),
    ...(user.totp_enabled
      ? [
          asked("users.reset_second_factor", () =>
            run(async () => {
              await request("POST", `${url}/reset-second-factor`);
              onChange({ ...user, totp_enabled: false });
            }),
          ),
        ]
      : []),
    user.disabled
      ? { label: text("users.enable"), run: () => void patch({ disabled: false }) }
      : asked("users.disable", () => patch({ disabled: true })),
  ];
}
