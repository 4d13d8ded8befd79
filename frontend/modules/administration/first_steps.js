/**
 * The first steps on a new server: its first administrator has chosen a password and is the only user. The next step is
 * an invite link for the first person.
 */

import { ApiError } from "../net/http/api.js";
import { account } from "../strings/en/account.js";
import { addEnglish, text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { openModal } from "../ui/modal.js";
import { messageOf } from "../error_text.js";
import { leaveSecrets, renderOneTimeSecret } from "../settings/one_time_secret.js";
import { inviteSecret } from "./invite_link.js";

addEnglish(account);

const LIFETIME_SECONDS = 7 * 86_400;

/**
 * Show the steps if the server has no other user.
 *
 * @param {object} options
 * @param {import("../net/http/authenticated_api.js").AuthenticatedRequest} options.request
 * @param {() => Promise<{registration: "open" | "invite" | "closed"}>} options.config
 */
export async function showFirstSteps({ request, config }) {
  try {
    const [{ users }, { registration }] = await Promise.all([request("GET", "/api/admin/users?limit=2"), config()]);
    if (users.length === 1 && registration !== "closed") openFirstSteps(request);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // the steps are an offer: everything is in the settings, too
  }
}

/** @param {import("../net/http/authenticated_api.js").AuthenticatedRequest} request */
function openFirstSteps(request) {
  openModal({
    title: text("welcome.title"),
    onLeave: ({ node, close }) => leaveSecrets(node, close),
    content(modal) {
      const problem = element("p", { class: "error", role: "alert", hidden: true });
      const place = element("div", {});
      const create = button(text("welcome.create"), () => void createInvite(), { class: "primary", autofocus: true });
      const actions = element(
        "div",
        { class: "buttons" },
        create,
        button(text("welcome.later"), () => modal.close(), { class: "secondary" }),
      );

      async function createInvite() {
        create.disabled = true;
        problem.hidden = true;
        try {
          const { invite } = await request("POST", "/api/admin/invites", { ttl_seconds: LIFETIME_SECONDS });
          actions.remove();
          const secret = renderOneTimeSecret({
            ...inviteSecret(invite),
            done: text("welcome.open"),
            onDone: () => modal.close(),
          });
          place.replaceChildren(secret);
          secret.focus();
        } catch (error) {
          if (!(error instanceof Error)) throw error;
          create.disabled = false;
          problem.textContent = messageOf(error);
          problem.hidden = false;
        }
      }

      return [element("p", {}, text("welcome.lead")), problem, actions, place];
    },
  });
}
