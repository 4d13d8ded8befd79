/** The audit log, newest first: who did what to whom, when, from where, and whether it worked. */

import { element } from "../dom.js";
import { createList } from "./list.js";
import { deviceName, mark, moment } from "./words.js";

const PAGE = 50;

/** @param {import("./settings.js").Desk} desk */
export function auditSection({ call }) {
  const list = createList({
    label: "Audit log",
    columns: ["When", "Who", "What", "Whom", "From", "Result"],
    empty: "Nothing is written yet.",
    more: "Show older entries",
    async load(before) {
      const { entries, next } = await call("GET", `/api/admin/audit?limit=${PAGE}${before === null ? "" : `&before=${encodeURIComponent(before)}`}`);
      return { items: entries, next };
    },
    draw: (entry) => [
      moment(entry.at),
      element("bdi", {}, entry.actor_name || entry.actor || "—"),
      element("span", {}, element("code", {}, entry.action), entry.detail ? element("span", { class: "advice" }, ` ${entry.detail}`) : null),
      whom(entry),
      id(entry.address),
      mark(entry.result, entry.result === "done" ? "good" : "bad"),
    ],
  });
  return [element("p", { class: "quiet" }, "What was done to accounts, tokens and invites, and what was refused."), list.node];
}

/** Of a sign-in the device; nobody knows a session by its id. */
function whom({ action, target, target_name: name }) {
  if (action.startsWith("session.")) return element("span", { title: target }, name ? deviceName(name) : "—");
  return name ? element("bdi", {}, name) : id(target);
}

/** Ids and addresses have no spaces to break at. */
function id(text) {
  return element("span", { class: "id" }, text || "—");
}
