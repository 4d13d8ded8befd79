/**
 * From messages to rows: a separator where a new day begins, and consecutive messages of one author as a group. Pure
 * functions.
 *
 * @typedef {import("./message_reducer.js").Message & {startsGroup: boolean}} MessageRow
 * @typedef {{kind: "day", key: string, version: number, at: string}} DayRow
 * @typedef {MessageRow | DayRow | import("./message_reducer.js").Notice | import("./message_reducer.js").Gap} Row
 */

/** A longer pause starts a new group. */
const MAX_PAUSE_MS = 5 * 60_000;

/**
 * @param {readonly import("../rooms/room_types.js").Item[]} items oldest first
 * @returns {Row[]}
 */
export function groupMessages(items) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {import("./message_reducer.js").Message | null} */
  let previous = null;
  for (const item of items) {
    if (item.kind !== "message") {
      previous = null;
      rows.push(item);
      continue;
    }
    const day = dayOf(item);
    if (previous === null || dayOf(previous) !== day) {
      rows.push({ kind: "day", key: `day ${day} ${item.key}`, version: 0, at: item.at });
      previous = null;
    }
    rows.push({ ...item, startsGroup: previous === null || !isSameGroup(previous, item) });
    previous = item;
  }
  return rows;
}

/** @param {import("./message_reducer.js").Message} message */
function dayOf({ at }) {
  return new Date(at).toDateString();
}

/**
 * @param {import("./message_reducer.js").Message} previous
 * @param {import("./message_reducer.js").Message} message
 */
function isSameGroup(previous, message) {
  return previous.user.id === message.user.id && Date.parse(message.at) - Date.parse(previous.at) < MAX_PAUSE_MS;
}
