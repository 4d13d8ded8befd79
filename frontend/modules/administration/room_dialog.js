/**
 * One room, for an administrator: what its owners can do, and for a private room how to become one. An administrator
 * acts in public rooms as an owner, without being a member.
 */

import { ApiError } from "../net/http/api.js";
import { showError, showNotice } from "../room_dialogs/dialog_error.js";
import { openInviteDialog } from "../room_dialogs/members/invite_dialog.js";
import { membersLoader, renderMemberText } from "../room_dialogs/members/listed_members.js";
import { memberActions } from "../room_dialogs/members/member_actions.js";
import { renderRestrictions } from "../room_dialogs/members/restrictions.js";
import { renderExport } from "../room_dialogs/room_export.js";
import { createRoomForm } from "../room_dialogs/room_form.js";
import { LOBBY, permissionsOf } from "../rooms/permissions.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { menuButton } from "../ui/menu.js";
import { confirmInModal, openModal } from "../ui/modal.js";
import { SearchList } from "../ui/lists/search_list.js";

/**
 * @typedef {Pick<import("../room_dialogs/context.js").RoomDialogContext, "api" | "self" | "clock" | "download">} Context
 * @typedef {import("../rooms/room_api.js").RoomDetails} RoomDetails
 * @typedef {import("../rooms/room_api.js").ListedMember} ListedMember
 * @typedef {import("./rooms_section.js").ListedRoom} ListedRoom
 */

/**
 * @param {Context} context
 * @param {ListedRoom} listed
 * @param {() => void} onChange the list of rooms shows something else now
 */
export function openRoomDialog(context, listed, onChange) {
  const { api, self } = context;
  openModal({
    title: text("rooms.dialog_title", { name: listed.name }),
    className: "wide",
    content(modal) {
      const place = element("div", { class: "room-administration stack" });

      /** @param {() => Promise<unknown>} step */
      async function change(step) {
        try {
          await step();
          onChange();
          await load();
        } catch (error) {
          showError(modal.node, error);
        }
      }

      async function load() {
        try {
          const room = await api.get(listed.id);
          const isOwner = room.kind === "public" || room.role === "owner";
          place.replaceChildren(...(isOwner ? renderRoom(context, room, modal.node, change) : [renderOffer()]));
        } catch (error) {
          // To those who may not see a private room, the server says that it does not exist.
          if (error instanceof ApiError && error.status === 404) place.replaceChildren(renderOffer());
          else showError(modal.node, error);
        }
      }

      const becomeOwner = () =>
        confirmInModal({
          question: text("rooms.own_question", { name: listed.name }),
          action: text("rooms.own"),
          run: () =>
            void change(async () => {
              await api.putMember(listed.id, self.id, "owner");
              showNotice(modal.node, text("rooms.owned", { name: listed.name }));
            }),
        });
      const renderOffer = () =>
        element(
          "div",
          { class: "stack" },
          element("p", {}, text("rooms.own_lead")),
          button(text("rooms.own"), becomeOwner, { class: "primary" }),
        );

      place.append(element("p", { class: "hint", role: "status" }, text("shell.loading")));
      void load();
      return [place];
    },
  });
}

/**
 * @param {Context} context
 * @param {RoomDetails} room
 * @param {HTMLElement} dialog where errors and notices are shown
 * @param {(step: () => Promise<unknown>) => Promise<void>} change
 * @returns {Node[]}
 */
function renderRoom(context, room, dialog, change) {
  const { api, clock, download } = context;
  const onSaved = () => void change(async () => showNotice(dialog, text("room.saved")));
  return [
    ...(room.archived ? [] : [createRoomForm({ api, clock, room, onSaved })]),
    element("h3", {}, text("rooms.members")),
    ...renderMembers(context, room, dialog),
    ...(room.role === "owner" ? [renderExport({ download, room })] : []),
    ...(room.id === LOBBY ? [] : [element("h3", {}, text("rooms.state")), renderArchive(context, room, change)]),
  ];
}

/**
 * @param {Context} context
 * @param {RoomDetails} room
 * @param {HTMLElement} dialog
 * @returns {Node[]}
 */
function renderMembers(context, room, dialog) {
  const { api, self, clock } = context;
  // A visitor has no role of their own in the room: that of the server decides.
  const info = { ...room, role: room.role ?? /** @type {const} */ ("reader"), epoch: "", seq: 0 };
  const managed = { id: room.id, title: room.name, info, permissions: permissionsOf(info, self.role) };
  /** @type {SearchList<ListedMember>} */
  const list = new SearchList({
    clock,
    label: text("members.search"),
    listLabel: text("members.title"),
    empty: text("members.empty"),
    load: membersLoader(api, managed),
    renderItem(member) {
      const items = memberActions({ context, room: managed, member, panel: dialog, onDone: () => void list.reload() });
      return [
        renderMemberText(member),
        items.length === 0 ? null : menuButton(text("shell.actions_for", { name: member.name }), () => items),
      ];
    },
  });
  const canInvite = managed.permissions.addMembers && !room.archived;
  const invite = () => openInviteDialog(context, managed, () => void list.reload());
  return [
    ...(canInvite ? [button(text("members.invite"), invite, { class: "secondary" })] : []),
    list.node,
    ...["mutes", "bans"].map((kind) =>
      renderRestrictions({
        api,
        clock,
        roomId: room.id,
        kind: /** @type {import("../rooms/room_api.js").Restriction} */ (kind),
        onLifted: () => void list.reload(),
      }),
    ),
  ];
}

/**
 * @param {Context} context
 * @param {RoomDetails} room
 * @param {(step: () => Promise<unknown>) => Promise<void>} change
 */
function renderArchive({ api }, room, change) {
  const archive = () => void change(() => api.change(room.id, { archived: true }));
  const restore = () => void change(() => api.change(room.id, { archived: false }));
  const ask = () =>
    confirmInModal({
      question: text("room.confirm_archive", { room: room.name }),
      action: text("room.archive"),
      run: archive,
    });
  return element(
    "div",
    { class: "buttons" },
    room.archived
      ? button(text("room.restore"), restore, { class: "secondary" })
      : button(text("room.archive"), ask, { class: "secondary" }),
    element("p", { class: "hint" }, text("room.archive_hint")),
  );
}
