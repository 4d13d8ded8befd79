/** Says in words why nothing can be written in a room now, and for how long. */

import { formatDuration } from "../format.js";
import { text } from "../strings/strings.js";

/** @typedef {import("../rooms/room_types.js").WritingStatus} WritingStatus */

/**
 * @param {WritingStatus} writing
 * @param {number} now milliseconds since 1970
 * @returns {string} empty if writing is allowed
 */
export function writingNote({ state, until }, now) {
  const seconds = until === null ? null : Math.max(1, Math.ceil((until - now) / 1000));
  switch (state) {
    case "archived":
      return text("conversation.archived");
    case "reader":
      return text("conversation.reader");
    case "disconnected_for_good":
      return text("conversation.disconnected");
    case "muted":
      return seconds === null
        ? text("conversation.muted")
        : text("conversation.muted_for", { time: formatDuration(seconds) });
    case "slow_mode":
      return text("conversation.slow_mode", { time: formatDuration(seconds ?? 1) });
    default:
      return "";
  }
}

/**
 * @param {WritingStatus} writing
 * @returns {boolean} whether text can be written, at least to be sent later
 */
export function canDraft({ state }) {
  return state === "allowed" || state === "slow_mode" || state === "muted";
}
