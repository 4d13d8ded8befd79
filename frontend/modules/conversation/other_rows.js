/** The rows between messages: a new day, a notice, a gap, the line at the first unread message. */

import { formatDay } from "../format.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";

/** @typedef {Exclude<import("./rows.js").Row, import("./rows.js").MessageRow>} OtherRow */

/**
 * @param {OtherRow} row
 * @param {import("./message_row.js").RowContext} context
 * @returns {string}
 */
export function otherVersion(row, { now }) {
  if (row.kind === "gap") return String(row.item.version);
  return row.kind === "day" ? String(new Date(now).getFullYear()) : "";
}

/**
 * @param {OtherRow} row
 * @param {import("./message_row.js").RowContext} context
 * @returns {HTMLElement}
 */
export function renderOther(row, context) {
  switch (row.kind) {
    case "day":
      return element(
        "li",
        { class: "day-separator" },
        element("time", { datetime: row.at }, formatDay(new Date(row.at), context.now)),
      );
    case "unread":
      return element("li", { class: "unread-line", "data-testid": "unread-line" }, text("conversation.new"));
    case "notice":
      return element("li", { class: "notice-row" }, element("bdi", {}, noticeText(row.item, context)));
    default:
      return renderGap(row.item, context);
  }
}

/**
 * @param {import("../chat/message_reducer.js").Gap} gap
 * @param {import("./message_row.js").RowContext} context
 */
function renderGap(gap, { loadGap }) {
  const load = (/** @type {string} */ label) => button(label, () => loadGap(gap), { class: "link-button" });
  if (gap.isUnloaded) {
    return element("li", { class: "timeline-edge", "data-testid": "unloaded" }, load(text("conversation.load_newer")));
  }
  return element(
    "li",
    { class: "gap", "data-testid": "gap" },
    element("span", {}, text(gap.canLoad ? "conversation.gap" : "conversation.gap_lost")),
    gap.canLoad ? load(text("conversation.load_gap")) : null,
  );
}

/**
 * Return a notice of the log as a sentence.
 *
 * @param {Pick<import("../chat/message_reducer.js").Notice, "notice" | "user" | "target" | "value">} notice
 * @param {Pick<import("./message_row.js").RowContext, "selfId" | "isDirect">} context
 * @returns {string}
 */
function noticeText({ notice, user, target, value }, { selfId, isDirect }) {
  const isOwn = user.id === selfId;
  const values = { name: isolate(user.name), target: isolate(target?.name ?? ""), value: isolate(value) };
  if (notice === "topic" && value === "") {
    return text(isOwn ? "notice.topic_removed.own" : "notice.topic_removed", values);
  }
  if (notice === "created" && isDirect) return text(isOwn ? "notice.started.own" : "notice.started", values);
  if (notice === "role") {
    const role = text(`role.${/** @type {"owner"} */ (value)}`);
    if (target?.id === selfId) return text("notice.role.of_own", { ...values, role });
    return text(isOwn ? "notice.role.own" : "notice.role", { ...values, role });
  }
  if (target?.id === selfId && (notice === "added" || notice === "removed")) {
    return text(`notice.${notice}.of_own`, values);
  }
  return text(isOwn ? `notice.${notice}.own` : `notice.${notice}`, values);
}

/**
 * A name in a right-to-left script must not reorder the sentence: FSI … PDI of Unicode UAX #9.
 *
 * @param {string} name
 */
function isolate(name) {
  return `\u2068${name}\u2069`;
}
