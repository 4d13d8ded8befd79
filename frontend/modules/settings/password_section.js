/** The form that changes the user's own password. */

import { text } from "../strings/strings.js";
import { loadPasswordHint } from "../passwords/on_demand.js";
import { element, formControl } from "../ui/dom.js";
import { createForm } from "../ui/form.js";

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function passwordSection({ session, request, clock }) {
  const success = element("p", { class: "notice", role: "status", hidden: true }, text("password.changed"));
  const form = createForm({
    label: text("password.submit"),
    clock,
    username: session.user?.name,
    fields: [
      {
        name: "current_password",
        label: text("password.current"),
        attributes: { type: "password", autocomplete: "current-password", required: true },
      },
      {
        name: "new_password",
        label: text("password.new"),
        hint: text("sign_in.password_rule"),
        attributes: { type: "password", autocomplete: "new-password", required: true },
      },
    ],
    submit: text("password.submit"),
    async send(body) {
      success.hidden = true;
      await request("POST", "/api/auth/password", body);
      form.reset();
      success.hidden = false;
    },
  });
  void loadPasswordHint({
    input: formControl(form, "new_password"),
    username: () => session.user?.name ?? "",
    clock,
  });
  return [element("p", { class: "subtle" }, text("password.lead")), success, form];
}
