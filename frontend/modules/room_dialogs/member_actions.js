/** What can be done about a member: a direct message, another role, mute, ban, remove. */

import { actingRole, outranks, ROLES } from "../rooms/permissions.js";
import { text } from "../strings/strings.js";
import { confirmInModal } from "../ui/modal.js";
import { showError, showNotice } from "./dialog_error.js";
import { openDirect } from "./direct_dialog.js";
import { openRestrictDialog } from "./restrict_dialog.js";

/**
 * @typedef {Pick<import("./context.js").RoomDialogContext, "api" | "self" | "clock">} Context
 * @typedef {Pick<import("../rooms/room.js").Room, "id" | "info" | "permissions">} Room
 * @typedef {import("../rooms/room_api.js").RoomMember} RoomMember
 */

/**
 * @param {object} options
 * @param {Context} options.context
 * @param {Room} options.room
 * @param {RoomMember} options.member
 * @param {HTMLElement} options.panel where errors are shown
 * @param {() => void} options.onDone
 * @returns {import("../ui/menu.js").MenuItem[]}
 */
export function memberActions({ context, room, member, panel, onDone }) {
  const { api, self, clock } = context;
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
  /** @param {import("../rooms/room_api.js").Restriction} kind */
  const restrict = (kind) => {
    const label = text(kind === "bans" ? "members.ban" : "members.mute");
    const onRestricted = () => {
      showNotice(panel, text("members.done", { action: label }));
      onDone();
    };
    return {
      label,
      isDanger: true,
      run: () => openRestrictDialog({ api, clock, roomId: room.id, kind, user: member, onDone: onRestricted }),
    };
  };
  if (room.permissions.moderate) {
    items.push(restrict("mutes"), {
      label: text("members.unmute"),
      run: () => run(text("members.unmute"), () => api.lift(room.id, "mutes", id)),
    });
  }
  if (room.permissions.removeMembers) {
    const label = text("members.remove");
    items.push(restrict("bans"), {
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
