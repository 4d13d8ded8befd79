/** Administration of invites: each lets one person register once. */

import { element } from "../dom.js";
import { askingButton } from "./asking_button.js";
import { createForm } from "./form.js";
import { createList } from "./list.js";
import { shownOnce } from "./shown_once.js";
import { LIFETIMES, mark, moment } from "./words.js";

/** @param {import("./settings.js").Desk} desk */
export function invitesSection({ call, clock }) {
  const told = element("div", { class: "told" });
  const form = createForm({
    label: "Create an invite",
    clock,
    fields: [{ name: "ttl_seconds", label: "Good for", options: LIFETIMES.slice(0, 4) }],
    submit: "Create invite",
    async run({ ttl_seconds: seconds }) {
      const { invite } = await call("POST", "/api/admin/invites", { ttl_seconds: Number(seconds) });
      told.replaceChildren(shownOnce({
        title: "New invite",
        lead: "Whoever has this code can create one account with it. It is shown only now.",
        lines: [invite],
      }));
      told.firstElementChild.focus();
      await list.reload();
    },
  });
  form.elements.namedItem("ttl_seconds").value = "604800";

  const list = createList({
    label: "Invites",
    columns: ["Created", "Ends", "State", ""],
    empty: "There are no invites.",
    async load() {
      const { invites, next = null } = await call("GET", "/api/admin/invites");
      return { items: invites, next };
    },
    draw: (invite, { act, remove }) => [
      moment(invite.created_at),
      moment(invite.expires_at),
      state(invite, clock.now()),
      askingButton("Delete", "Really delete it?", () => act(async () => {
        await call("DELETE", `/api/admin/invites/${invite.id}`);
        remove();
      })),
    ],
  });

  return [element("details", { class: "maker" }, element("summary", {}, "Create an invite"), form), told, list.node];
}

function state({ used_at: used, used_by: name, expires_at: ends }, now) {
  if (used) return element("span", {}, mark("used"), name ? element("bdi", {}, ` ${name}`) : null);
  return Date.parse(ends) <= now ? mark("expired") : mark("open", "good");
}
