/**
 * Step-up: the server refuses a change of credentials or roles unless the user entered the password some minutes ago.
 * Then a dialog asks for it, and the request is sent again.
 */

import { ApiError } from "../net/http/api.js";
import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { createForm } from "../ui/form.js";
import { openModal } from "../ui/modal.js";

/**
 * @param {Pick<import("./settings_dialog.js").SettingsContext, "request" | "session" | "clock">} context
 * @returns {import("../net/http/authenticated_api.js").AuthenticatedRequest} like `request`, but asks for the password when
 *   the server wants it. Rejects with the server's refusal if the user does not enter it.
 */
export function createStepUpRequest(context) {
  const { request } = context;
  /** @type {Promise<boolean> | null} Requests at the same time share one dialog. */
  let asking = null;
  return async function requestWithStepUp(method, path, body = null) {
    try {
      return await request(method, path, body);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "step_up_required") throw error;
      asking ??= askForPassword(context).finally(() => {
        asking = null;
      });
      if (!(await asking)) throw error;
      return await request(method, path, body);
    }
  };
}

/**
 * @param {Pick<import("./settings_dialog.js").SettingsContext, "request" | "session" | "clock">} context
 * @returns {Promise<boolean>} whether the server accepted the password
 */
function askForPassword({ request, session, clock }) {
  let accepted = false;
  return new Promise((resolve) => {
    openModal({
      title: text("step_up.title"),
      className: "step-up",
      onClose: () => resolve(accepted),
      content: (modal) => [
        element("p", { class: "subtle" }, text("step_up.lead")),
        createForm({
          label: text("step_up.form"),
          clock,
          username: session.user?.name,
          fields: [
            {
              name: "password",
              label: text("step_up.password"),
              attributes: { type: "password", autocomplete: "current-password", required: true },
            },
          ],
          submit: text("step_up.submit"),
          async send(body) {
            await request("POST", "/api/auth/step-up", body);
            accepted = true;
            modal.close();
          },
        }),
      ],
    });
  });
}
