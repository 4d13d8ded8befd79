/** What can be done about a member: a direct message, another role, mute, ban, remove. */

import { actingRole, outranks, ROLES } from "../rooms/permissions.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { createForm } from "../ui/form.js";
import { confirmInModal, openModal } from "../ui/modal.js";
import { SearchList } from "../ui/search_list.js";
import { showError, showNotice } from "./dialog_error.js";
import { openDirect } from "./direct_dialog.js";

const HOUR_SECONDS = 3_600;

/**
 * @typedef {import("./context.js").RoomDialogContext} RoomDialogContext
 * @typedef {import("../rooms/room.js").Room} Room
 * @typedef {import("../rooms/room_api.js").RoomMember} RoomMember
 */

/**
 * @param {object} options
 * @param {RoomDialogContext} options.context
 * @param {Room} options.room
 * @param {RoomMember} options.member
 * @param {HTMLElement} options.panel where errors are shown
 * @param {() => void} options.onDone
 * @returns {import("../ui/menu.js").MenuItem[]}
 */
export function memberActions({ context, room, member, panel, onDone }) {
  const { api, self } = context;
  const { id, name } = member;
  const isSelf = id === self.id;
  /** @param {string} action @param {() => Promise<unknown>} step */
  async function run(action, step) {
    try {
      await step();
      showNotice(panel, text("members.done", { action }));
      onDone();
    } catch (error) {
      showError(panel, error);
    }
  }
  /** @type {import("../ui/menu.js").MenuItem[]} */
  const items = [];
  if (!isSelf && room.info.kind !== "direct") {
    items.push({
      label: text("members.message"),
      run: () => void openDirect(api, [id]).catch((error) => showError(panel, error)),
    });
  }
  if (room.permissions.changeRoles) {
    for (const role of ROLES) {
      const label = text("members.make_role", { role: text(`role.${role}`) });
      const isChecked = role === member.role;
      items.push({ label, isChecked, run: () => isChecked || run(label, () => api.putMember(room.id, id, role)) });
    }
  }
  if (isSelf || !outranks(actingRole(room.info, self.role), member.role)) return items;
  /**
   * @param {import("../rooms/room_api.js").Restriction} kind
   * @param {"members.mute" | "members.mute_ever" | "members.ban"} key
   * @param {number} [seconds]
   */
  const restrict = (kind, key, seconds) => ({
    label: text(key),
    isDanger: true,
    run: () =>
      askReason({
        context,
        title: text(key),
        question: text(kind === "bans" ? "members.confirm_ban" : "members.confirm_mute", { name }),
        async send(reason) {
          await api.restrict(room.id, kind, id, seconds === undefined ? { reason } : { reason, seconds });
          showNotice(panel, text("members.done", { action: text(key) }));
          onDone();
        },
      }),
  });
  if (room.permissions.moderate) {
    items.push(restrict("mutes", "members.mute", HOUR_SECONDS), restrict("mutes", "members.mute_ever"), {
      label: text("members.unmute"),
      run: () => run(text("members.unmute"), () => api.lift(room.id, "mutes", id)),
    });
  }
  if (room.permissions.removeMembers) {
    const label = text("members.remove");
    items.push(restrict("bans", "members.ban"), {
      label,
      isDanger: true,
      run: () =>
        confirmInModal({
          question: text("members.confirm_remove", { name }),
          action: label,
          run: () => run(label, () => api.removeMember(room.id, id)),
        }),
    });
  }
  return items;
}

/**
 * @param {object} options
 * @param {RoomDialogContext} options.context
 * @param {string} options.title
 * @param {string} options.question
 * @param {(reason: string) => Promise<void>} options.send
 */
function askReason({ context, title, question, send }) {
  openModal({
    title,
    className: "confirm",
    content: (modal) => [
      element("p", {}, element("bdi", {}, question)),
      createForm({
        label: title,
        clock: context.clock,
        fields: [
          {
            name: "reason",
            label: text("members.reason"),
            hint: text("members.reason_hint"),
            attributes: { required: true, autocomplete: "off", maxlength: "200" },
          },
        ],
        submit: title,
        async send({ reason }) {
          await send(reason);
          modal.close();
        },
      }),
    ],
  });
}

/**
 * The banned people of a room, behind a heading.
 *
 * @param {RoomDialogContext} context
 * @param {Room} room
 */
export function renderBans({ api, clock }, room) {
  const details = element("details", {}, element("summary", {}, text("members.banned")));
  details.addEventListener(
    "toggle",
    () => {
      /** @type {SearchList<import("../rooms/room_api.js").RestrictedUser>} */
      const list = new SearchList({
        clock,
        label: "",
        listLabel: text("members.banned"),
        empty: text("members.no_bans"),
        hasSearch: false,
        async load() {
          const { users, next } = await api.listRestricted(room.id, "bans");
          return { items: users, next };
        },
        renderItem: ({ id, name, reason }) => [
          element(
            "div",
            { class: "row-text" },
            element("bdi", { class: "row-title" }, name),
            element("p", { class: "hint" }, element("bdi", {}, reason)),
          ),
          button(
            text("members.unban"),
            async () => {
              try {
                await api.lift(room.id, "bans", id);
                await list.reload();
              } catch (error) {
                showError(details, error);
              }
            },
            { class: "secondary" },
          ),
        ],
      });
      details.append(list.node);
    },
    { once: true },
  );
  return details;
}
