/** The muted or banned people of a room: until when, why, and a button that lifts it. Loaded when it is unfolded. */

import { formatDateTime } from "../../format.js";
import { text } from "../../strings/strings.js";
import { button, element } from "../../ui/dom.js";
import { SearchList } from "../../ui/lists/search_list.js";
import { showError } from "../dialog_error.js";

const TEXTS = /** @type {const} */ ({
  mutes: { title: "members.muted", empty: "members.no_mutes", lift: "members.unmute" },
  bans: { title: "members.banned", empty: "members.no_bans", lift: "members.unban" },
});

/**
 * @param {object} options
 * @param {import("../../rooms/room_api.js").RoomApi} options.api
 * @param {import("../../clock.js").Clock} options.clock
 * @param {string} options.roomId
 * @param {import("../../rooms/room_api.js").Restriction} options.kind
 * @param {() => void} options.onLifted
 * @returns {HTMLDetailsElement}
 */
export function renderRestrictions({ api, clock, roomId, kind, onLifted }) {
  const texts = TEXTS[kind];
  const details = element("details", { class: "restrictions" }, element("summary", {}, text(texts.title)));

  /** @param {string} user id */
  async function lift(user) {
    try {
      await api.lift(roomId, kind, user);
      onLifted();
      await list?.reload();
    } catch (error) {
      showError(details, error);
    }
  }

  /** @type {SearchList<import("../../rooms/room_api.js").RestrictedUser> | null} */
  let list = null;
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    if (list !== null) {
      void list.reload();
      return;
    }
    list = new SearchList({
      clock,
      label: text(texts.title),
      listLabel: text(texts.title),
      empty: text(texts.empty),
      hasSearch: false,
      async load(_query, cursor) {
        const { users, next } = await api.listRestricted(roomId, kind, cursor);
        return { items: users, next };
      },
      renderItem: ({ id, name, reason, until }) => [
        element(
          "div",
          { class: "row-text" },
          element("bdi", { class: "row-title" }, name),
          element(
            "p",
            { class: "hint" },
            until === null ? text("members.until_lifted") : text("members.until", { time: formatDateTime(until) }),
          ),
          reason === "" ? null : element("p", { class: "hint" }, element("bdi", {}, reason)),
        ),
        button(text(texts.lift), () => void lift(id), { class: "secondary" }),
      ],
    });
    details.append(list.node);
  });
  return details;
}
