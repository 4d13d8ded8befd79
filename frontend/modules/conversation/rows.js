/**
 * From the items of a room to the rows of its list: a separator where a new day begins, a line at the first unread
 * message, consecutive messages of one author as a group. Pure functions.
 *
 * @typedef {import("../chat/message_reducer.js").Message} Message
 * @typedef {import("../chat/message_reducer.js").Notice} Notice
 * @typedef {import("../chat/message_reducer.js").Gap} Gap
 *
 * @typedef {{kind: "message", key: string, item: Message, startsGroup: boolean}} MessageRow
 * @typedef {{kind: "notice", key: string, item: Notice}} NoticeRow
 * @typedef {{kind: "gap", key: string, item: Gap}} GapRow
 * @typedef {{kind: "day", key: string, at: string}} DayRow
 * @typedef {{kind: "unread", key: string}} UnreadRow
 * @typedef {MessageRow | NoticeRow | GapRow | DayRow | UnreadRow} Row
 */

/** A longer pause starts a new group. */
const MAX_PAUSE_MS = 5 * 60_000;
const MAX_CACHED_TIMES = 10_000;

const LINE_PX = 23;
const BASE_PX = { message: 22, notice: 30, gap: 48, day: 48, unread: 40 };
const GROUP_START_PX = 34;
const LINE_LENGTH = 60;
/** Taller messages are folded. */
const MAX_LINES = 21;

/** @type {Map<string, {ms: number, day: string}>} parsing a time takes longer than all else here */
const times = new Map();

/**
 * @param {readonly (Message | Notice | Gap)[]} items oldest first
 * @param {number | null} firstUnreadSeq
 * @returns {Row[]}
 */
export function buildRows(items, firstUnreadSeq) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {Message | null} the message that the next one may continue */
  let previous = null;
  let day = "";
  let isLineDue = false;
  for (const item of items) {
    if (item.kind === "gap") {
      rows.push({ kind: "gap", key: item.key, item });
      previous = null;
      day = "";
      continue;
    }
    const time = timeOf(item.at);
    if (time.day !== day) {
      rows.push({ kind: "day", key: `day ${time.day} ${item.key}`, at: item.at });
      previous = null;
      day = time.day;
    }
    isLineDue ||= item.seq === firstUnreadSeq;
    // A deleted message is nothing new to read.
    if (isLineDue && !(item.kind === "message" && item.deleted)) {
      rows.push({ kind: "unread", key: "unread" });
      previous = null;
      isLineDue = false;
    }
    if (item.kind === "notice") {
      rows.push({ kind: "notice", key: item.key, item });
      previous = null;
    } else {
      rows.push({ kind: "message", key: item.key, item, startsGroup: previous === null || !continues(previous, item) });
      previous = item;
    }
  }
  return rows;
}

/**
 * @param {Message} previous
 * @param {Message} message
 */
function continues(previous, message) {
  const isSoon = timeOf(message.at).ms - timeOf(previous.at).ms < MAX_PAUSE_MS;
  return previous.user.id === message.user.id && isSoon && message.replyTo === null;
}

/** @param {string} at */
function timeOf(at) {
  let time = times.get(at);
  if (time === undefined) {
    if (times.size >= MAX_CACHED_TIMES) times.clear();
    const date = new Date(at);
    time = { ms: date.getTime(), day: date.toDateString() };
    times.set(at, time);
  }
  return time;
}

/**
 * Estimate the height of a row before it is rendered.
 *
 * @param {Row} row
 * @returns {number} px
 */
export function estimateHeight(row) {
  if (row.kind !== "message") return BASE_PX[row.kind];
  const { text, reactions } = row.item;
  let lines = Math.ceil(text.length / LINE_LENGTH);
  for (let end = text.indexOf("\n"); end >= 0 && lines < MAX_LINES; end = text.indexOf("\n", end + 1)) lines += 1;
  const start = row.startsGroup ? GROUP_START_PX : 0;
  return BASE_PX.message + start + LINE_PX * Math.max(1, Math.min(lines, MAX_LINES)) + (reactions.length > 0 ? 32 : 0);
}
