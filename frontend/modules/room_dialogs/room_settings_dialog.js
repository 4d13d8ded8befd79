/** The settings of one room: the user's own, and those of its owners. */

import { roomHash } from "../route.js";
import { LOBBY } from "../rooms/permissions.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { closeAllLayers, navigate } from "../ui/layers.js";
import { confirmInModal, openModal } from "../ui/modal.js";
import { showError, showNotice } from "./dialog_error.js";
import { renderExport } from "./room_export.js";
import { createRoomForm } from "./room_form.js";

const CHOICES = /** @type {const} */ (["all", "mentions", "nothing"]);

/**
 * @typedef {import("./context.js").RoomDialogContext} RoomDialogContext
 * @typedef {import("../rooms/room.js").Room} Room
 */

/**
 * @param {RoomDialogContext} context
 * @param {Room} room
 */
export function openRoomSettingsDialog(context, room) {
  openModal({
    title: text("room.title", { room: room.title }),
    content(modal) {
      /** @param {() => Promise<unknown>} step */
      const run = async (step) => {
        try {
          await step();
          return true;
        } catch (error) {
          showError(modal.node, error);
          return false;
        }
      };
      const { changeRoom } = room.permissions;
      return [
        element("h3", {}, text("room.own")),
        renderMute(context, room, run),
        renderNotify(context, room),
        ...(changeRoom ? [element("h3", {}, text("room.for_all"))] : []),
        changeRoom ? renderForAll(context, room, modal.node) : null,
        element("div", { class: "buttons" }, ...renderActions(context, room, run)),
      ];
    },
  });
}

/**
 * @param {RoomDialogContext} context
 * @param {Room} room
 * @param {(step: () => Promise<unknown>) => Promise<boolean>} run
 */
function renderMute({ api }, room, run) {
  const input = element("input", { type: "checkbox", checked: room.info.muted });
  input.addEventListener("change", async () => {
    const muted = input.checked;
    if (!(await run(() => api.change(room.id, { muted })))) input.checked = !muted;
  });
  return element("label", { class: "checkbox" }, input, element("span", {}, text("room.muted")));
}

/**
 * @param {RoomDialogContext} context
 * @param {Room} room
 */
function renderNotify({ notifications }, room) {
  const current = notifications.choiceFor(room.info);
  const select = element(
    "select",
    { id: "room-notify" },
    ...CHOICES.map((value) => element("option", { value, selected: value === current }, text(`room.notify.${value}`))),
  );
  select.addEventListener("change", () => {
    const choice = CHOICES.find((value) => value === select.value);
    if (choice !== undefined) notifications.choose(room.id, choice);
  });
  return element("div", { class: "field" }, element("label", { for: "room-notify" }, text("room.notify")), select);
}

/**
 * What an owner can change. The socket does not bring all of it, so it is loaded.
 *
 * @param {RoomDialogContext} context
 * @param {Room} room
 * @param {HTMLElement} place of the notice
 * @returns {HTMLElement}
 */
function renderForAll({ api, clock, download }, room, place) {
  const node = element(
    "div",
    { class: "stack" },
    element("p", { class: "hint", role: "status" }, text("shell.loading")),
  );
  api.get(room.id).then(
    (details) => {
      const onSaved = () => showNotice(place, text("room.saved"));
      const form = details.archived ? [] : [createRoomForm({ api, clock, room: details, onSaved })];
      node.replaceChildren(...form, ...(details.role === "owner" ? [renderExport({ download, room: details })] : []));
    },
    (error) => {
      node.replaceChildren();
      showError(place, error);
    },
  );
  return node;
}

/**
 * @param {RoomDialogContext} context
 * @param {Room} room
 * @param {(step: () => Promise<unknown>) => Promise<boolean>} run
 */
function renderActions({ api, self }, room, run) {
  const actions = [];
  const title = room.title;
  /** @param {() => Promise<unknown>} step */
  const runAndReturn = async (step) => {
    if (await run(step)) navigate(roomHash(room.id));
  };
  if (room.permissions.changeRoom && room.id !== LOBBY) {
    const archive = () => runAndReturn(() => api.change(room.id, { archived: true }));
    actions.push(
      room.info.archived
        ? button(text("room.restore"), () => runAndReturn(() => api.change(room.id, { archived: false })), {
            class: "secondary",
          })
        : button(
            text("room.archive"),
            () =>
              confirmInModal({
                question: text("room.confirm_archive", { room: title }),
                action: text("room.archive"),
                run: archive,
              }),
            { class: "secondary", title: text("room.archive_hint") },
          ),
    );
  }
  if (room.permissions.leave) {
    const isPrivate = room.info.kind === "private";
    const leave = async () => {
      // When the server says that the room is left, another one is shown.
      if (await run(() => api.removeMember(room.id, self.id))) closeAllLayers();
    };
    actions.push(
      button(
        text("room.leave"),
        () =>
          confirmInModal({
            question: text(isPrivate ? "room.confirm_leave_private" : "room.confirm_leave", { room: title }),
            action: text("room.leave"),
            run: leave,
          }),
        { class: "secondary" },
      ),
    );
  }
  return actions;
}
