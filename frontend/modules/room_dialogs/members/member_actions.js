/** What can be done about a member: a direct message, another role, mute, ban, remove. */

import { actingRole, outranks, ROLES } from "../../rooms/permissions.js";
import { text } from "../../strings/strings.js";
import { confirmInModal } from "../../ui/modal.js";
import { showError, showNotice } from "../dialog_error.js";
import { openDirect } from "../open_direct.js";
import { openRestrictDialog } from "./restrict_dialog.js";

/**
 * @typedef {Pick<import("../context.js").RoomDialogContext, "api" | "self" | "clock">} Context
 * @typedef {Pick<import("../../rooms/room.js").Room, "id" | "info" | "permissions">} Room
 * @typedef {import("../../rooms/room_api.js").ListedMember} ListedMember
 */

/** A notice says that an action was done; the list shows its effect. */
const NOTICE_MS = 6_000;

/**
 * @param {object} options
 * @param {Context} options.context
 * @param {Room} options.room
 * @param {ListedMember} options.member
 * @param {HTMLElement} options.panel where errors are shown
 * @param {() => void} options.onDone
 * @returns {import("../../ui/menu.js").MenuItem[]}
 */
export function memberActions({ context, room, member, panel, onDone }) {
  const { api, self, clock } = context;
  const { id, name } = member;
  const isSelf = id === self.id;
  /** @param {string} action */
  function showDone(action) {
    const notice = showNotice(panel, text("members.done", { action }));
    clock.schedule(NOTICE_MS, () => notice.remove());
    onDone();
  }
  /** @param {string} action @param {() => Promise<unknown>} step */
  async function run(action, step) {
    try {
      await step();
      showDone(action);
    } catch (error) {
      showError(panel, error);
    }
  }
  /** @type {import("../../ui/menu.js").MenuItem[]} */
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
  /** @param {import("../../rooms/room_api.js").Restriction} kind */
  const restrict = (kind) => {
    const label = text(kind === "bans" ? "members.ban" : "members.mute");
    return {
      label,
      isDanger: true,
      run: () => openRestrictDialog({ api, clock, roomId: room.id, kind, user: member, onDone: () => showDone(label) }),
    };
  };
  if (room.permissions.moderate) {
    const label = text("members.unmute");
    items.push(
      member.isMuted ? { label, run: () => run(label, () => api.lift(room.id, "mutes", id)) } : restrict("mutes"),
    );
  }
  if (room.permissions.removeMembers) {
    const label = text("members.remove");
    items.push(restrict("bans"), {
      label,
      isDanger: true,
      run: () =>
        confirmInModal({
          question: text(room.info.kind === "public" ? "members.confirm_remove" : "members.confirm_remove_private", {
            name,
          }),
          action: label,
          run: () => run(label, () => api.removeMember(room.id, id)),
        }),
    });
  }
  return items;
}
