/** The rows between messages: a new day, a notice, a gap, the line at the first unread message. And messages not sent yet. */

import { formatDay } from "../format.js";
import { noticeText } from "../rooms/notice_text.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { renderText } from "./message_text_view.js";

/**
 * @typedef {import("../chat/outbox.js").PendingSend} PendingSend
 * @typedef {Exclude<import("./rows.js").Row, import("./rows.js").MessageRow>} OtherRow
 */

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
      return element("li", { class: "notice-row" }, element("bdi", {}, noticeText(row.item, context.selfId)));
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
 * @param {PendingSend} item
 * @param {boolean} isStalled see Outbox
 * @param {{retry(cid: string): void, discard(cid: string): void, onResize(): void}} actions
 * @returns {HTMLElement}
 */
export function renderPending(item, isStalled, { retry, discard, onResize }) {
  const failed = item.state === "failed";
  const status = failed
    ? element(
        "p",
        { class: "message-status" },
        `${text("conversation.not_sent", { reason: item.reason ?? "" })} `,
        button(text("conversation.retry"), () => retry(item.cid), { class: "link-button" }),
        button(text("conversation.discard"), () => discard(item.cid), { class: "link-button" }),
      )
    : element("p", { class: "message-status" }, sendStatus(item, isStalled));
  const attributes = {
    class: `message own ${item.state}`,
    "data-testid": failed ? "failed" : "pending",
    "data-cid": item.cid,
  };
  const body = element("div", { class: "message-body" }, ...renderText(item.text, () => null, onResize), status);
  return element("li", attributes, body);
}

/**
 * @param {PendingSend} item
 * @param {boolean} isStalled
 */
function sendStatus({ state }, isStalled) {
  if (state === "sent") return text("conversation.sent");
  return text(isStalled ? "conversation.waiting" : "conversation.sending");
}
