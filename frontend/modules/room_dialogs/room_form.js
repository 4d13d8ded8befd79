/** The form for what all members of a room share: its name, topic, slow mode and retention. */

import { formatSpan } from "../format.js";
import { LOBBY } from "../rooms/permissions.js";
import { text } from "../strings/strings.js";
import { formControl } from "../ui/dom.js";
import { createForm } from "../ui/form.js";

const DAY_SECONDS = 86_400;
/** Seconds between two messages of one person. */
const SLOW_MODES = [0, 5, 15, 30, 60, 300, 900, 3600];
/** After how many days messages are deleted. */
const RETENTIONS = [0, 1, 7, 30, 90, 180, 365, 730];

/**
 * @param {object} options
 * @param {import("../rooms/room_api.js").RoomApi} options.api
 * @param {import("../clock.js").Clock} options.clock
 * @param {import("../rooms/room_api.js").RoomDetails} options.room
 * @param {(room: import("../rooms/room_api.js").RoomDetails) => void} options.onSaved
 * @returns {HTMLFormElement}
 */
export function createRoomForm({ api, clock, room, onSaved }) {
  let saved = room;
  const form = createForm({
    label: text("room.for_all"),
    clock,
    fields: [
      { name: "name", label: text("room.name"), attributes: { required: true, autocomplete: "off", value: room.name } },
      { name: "topic", label: text("room.topic"), attributes: { autocomplete: "off", value: room.topic } },
      {
        name: "slow_mode_seconds",
        label: text("room.slow_mode"),
        options: options(SLOW_MODES, room.slow_mode_seconds, (seconds) =>
          seconds === 0 ? text("room.slow_mode.off") : formatSpan(seconds),
        ),
      },
      {
        name: "retention_days",
        label: text("room.retention"),
        hint: text("room.retention_hint"),
        options: options(RETENTIONS, room.retention_days, (days) =>
          days === 0 ? text("room.retention.off") : formatSpan(days * DAY_SECONDS),
        ),
      },
    ],
    submit: text("shell.save"),
    async send(values) {
      const change = changesOf(saved, values);
      if (Object.keys(change).length > 0) saved = await api.change(room.id, change);
      onSaved(saved);
    },
  });
  for (const name of /** @type {const} */ (["slow_mode_seconds", "retention_days"])) {
    formControl(form, name).value = String(room[name]);
  }
  return form;
}

/**
 * @param {import("../rooms/room_api.js").RoomDetails} room
 * @param {Record<string, string>} values
 */
function changesOf(room, { name, topic, slow_mode_seconds: slow, retention_days: retention }) {
  /** @type {import("../rooms/room_api.js").RoomChange} */
  const change = {};
  if (name !== room.name && room.id !== LOBBY) change.name = name;
  if (topic !== room.topic) change.topic = topic;
  if (Number(slow) !== room.slow_mode_seconds) change.slow_mode_seconds = Number(slow);
  if (Number(retention) !== room.retention_days) change.retention_days = Number(retention);
  return change;
}

/**
 * @param {number[]} usual
 * @param {number} current set with the API or the command line, perhaps another one
 * @param {(value: number) => string} label
 * @returns {[value: string, label: string][]}
 */
function options(usual, current, label) {
  const values = usual.includes(current) ? usual : [...usual, current].sort((a, b) => a - b);
  return values.map((value) => [String(value), label(value)]);
}
