/** Changing one's own password. */

import { element } from "../dom.js";
import { createForm } from "./form.js";

/** @param {import("./settings.js").Desk} desk */
export function passwordSection({ session, call, clock }) {
  const done = element("p", { class: "notice", role: "status", hidden: true }, "Your password is changed. Your other devices were signed out.");
  const form = createForm({
    label: "Change password",
    clock,
    username: session.user.name,
    fields: [
      { name: "current_password", label: "Current password", attributes: { type: "password", autocomplete: "current-password", required: true } },
      {
        name: "new_password",
        label: "New password",
        advice: "At least 15 characters. Three or four unrelated words do well.",
        attributes: { type: "password", autocomplete: "new-password", required: true },
      },
    ],
    submit: "Change password",
    async run(body) {
      done.hidden = true;
      await call("POST", "/api/auth/password", body);
      form.reset();
      done.hidden = false;
    },
  });
  return [
    element("p", { class: "quiet" }, "Changing it ends your sessions on all other devices. This one goes on."),
    done,
    form,
  ];
}
