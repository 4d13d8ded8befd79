/** The settings of one room: the user's own, and those of its owners. */

import { roomHash } from "../route.js";
import { LOBBY } from "../rooms/permissions.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { createForm } from "../ui/form.js";
import { closeAllLayers, navigate } from "../ui/layers.js";
import { confirmInModal, openModal } from "../ui/modal.js";
import { showError, showNotice } from "./dialog_error.js";

/** Seconds between two messages of one person. */
const SLOW_MODES = [0, 5, 15, 30, 60, 300, 900, 3600];
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
        changeRoom && !room.info.archived ? renderForm(context, room, modal.node) : null,
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
 * @param {RoomDialogContext} context
 * @param {Room} room
 * @param {HTMLElement} place of the notice
 */
function renderForm({ api, clock }, room, place) {
  const { name, topic, slow_mode_seconds: slow } = room.info;
  const seconds = SLOW_MODES.includes(slow) ? SLOW_MODES : [...SLOW_MODES, slow].sort((a, b) => a - b);
  const form = createForm({
    label: text("room.for_all"),
    clock,
    fields: [
      { name: "name", label: text("room.name"), attributes: { required: true, autocomplete: "off", value: name } },
      { name: "topic", label: text("room.topic"), attributes: { autocomplete: "off", value: topic } },
      {
        name: "slow_mode_seconds",
        label: text("room.slow_mode"),
        options: seconds.map((value) => [String(value), slowModeText(value)]),
      },
    ],
    submit: text("shell.save"),
    async send(values) {
      /** @type {import("../rooms/room_api.js").RoomChange} */
      const change = {};
      if (values.name !== room.info.name && room.id !== LOBBY) change.name = values.name;
      if (values.topic !== room.info.topic) change.topic = values.topic;
      const next = Number(values.slow_mode_seconds);
      if (next !== room.info.slow_mode_seconds) change.slow_mode_seconds = next;
      if (Object.keys(change).length > 0) await api.change(room.id, change);
      showNotice(place, text("room.saved"));
    },
  });
  const select = form.querySelector("select");
  if (select !== null) select.value = String(slow);
  return form;
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

/** @param {number} seconds */
function slowModeText(seconds) {
  if (seconds === 0) return text("room.slow_mode.off");
  if (seconds % 3600 === 0) return text("room.slow_mode.hours", { count: seconds / 3600 });
  if (seconds % 60 === 0) return text("room.slow_mode.minutes", { count: seconds / 60 });
  return text("room.slow_mode.seconds", { count: seconds });
}
