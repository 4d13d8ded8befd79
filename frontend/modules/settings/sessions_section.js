/** Where one is signed in, and ending that elsewhere: a lost phone, a borrowed computer. */

import { element } from "../dom.js";
import { askingButton } from "./asking_button.js";
import { createList } from "./list.js";
import { deviceName, mark, moment } from "./words.js";

/** @param {import("./settings.js").Desk} desk */
export function sessionsSection({ call }) {
  const list = createList({
    label: "Your sessions",
    columns: ["Device", "Last used", "Signed in", ""],
    empty: "There are no sessions.",
    async load() {
      const { sessions } = await call("GET", "/api/auth/sessions");
      return { items: sessions, next: null };
    },
    draw: (session, { act, remove }) => [
      element("span", { title: session.client }, deviceName(session.client), " ", session.current ? mark("this one", "good") : null),
      moment(session.last_used_at),
      moment(session.created_at),
      session.current ? null : askingButton("End", "Really end it?", () => act(async () => {
        await call("DELETE", `/api/auth/sessions/${session.id}`);
        remove();
      })),
    ],
  });
  return [
    element("p", { class: "quiet" }, "Every device on which you are signed in. Ending a session signs that device out within seconds."),
    list.node,
  ];
}
