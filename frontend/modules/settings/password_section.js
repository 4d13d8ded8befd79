/** The form that changes the user's own password. */

import { PASSWORD_RULE } from "../net/protocol.js";
import { element } from "../ui/dom.js";
import { createForm } from "../ui/form.js";

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function passwordSection({ session, request, clock }) {
  const success = element(
    "p",
    { class: "notice", role: "status", hidden: true },
    "Your password was changed. Your other devices were signed out.",
  );
  const form = createForm({
    label: "Change password",
    clock,
    username: session.user?.name,
    fields: [
      {
        name: "current_password",
        label: "Current password",
        attributes: { type: "password", autocomplete: "current-password", required: true },
      },
      {
        name: "new_password",
        label: "New password",
        hint: PASSWORD_RULE,
        attributes: { type: "password", autocomplete: "new-password", required: true },
      },
    ],
    submit: "Change password",
    async send(body) {
      success.hidden = true;
      await request("POST", "/api/auth/password", body);
      form.reset();
      success.hidden = false;
    },
  });
  return [
    element(
      "p",
      { class: "subtle" },
      "A new password ends your sessions on all other devices. This session stays signed in.",
    ),
    success,
    form,
  ];
}
