/** The messages that are not in the log yet: written, sent or refused. They are below the others. */

import { formatDuration } from "../format.js";
import { text } from "../strings/strings.js";
import { button, byId, element, keepFocus } from "../ui/dom.js";
import { RowList } from "../ui/lists/row_list.js";
import { renderText } from "./message_text_view.js";

/** @typedef {import("../outbox/pending_sends.js").PendingSend} PendingSend */

const TICK_MS = 1_000;

export class PendingList {
  #list = byId("pending-messages");
  #rows = new RowList(this.#list);
  #outbox;
  #clock;
  #onResize;
  #cancelTick = () => {};

  /**
   * @param {import("../outbox/outbox.js").Outbox} outbox
   * @param {import("../clock.js").Clock} clock
   * @param {() => void} onResize a message has another height now
   */
  constructor(outbox, clock, onResize) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#onResize = onResize;
  }

  render() {
    const { items, isStalled, delays } = this.#outbox;
    const rows = items.map((item) => {
      const status = sendStatus(item, isStalled, delays.get(item.cid));
      return { key: item.cid, version: `${item.state} ${status}`, render: () => this.#renderItem(item, status) };
    });
    this.#cancelTick();
    if (delays.size > 0) this.#cancelTick = this.#clock.schedule(TICK_MS, () => this.render());
    keepFocus(this.#list, byId("draft"), () => this.#rows.update(rows));
  }

  clear() {
    this.#cancelTick();
    this.#list.replaceChildren();
  }

  /**
   * @param {PendingSend} item
   * @param {string} status
   * @returns {HTMLElement}
   */
  #renderItem(item, status) {
    const isFailed = item.state === "failed";
    const attributes = {
      class: `message own ${item.state}`,
      "data-testid": isFailed ? "failed" : "pending",
      "data-cid": item.cid,
    };
    const body = element(
      "div",
      { class: "message-body" },
      ...renderText(item.text, () => null, this.#onResize),
      element("p", { class: "message-status" }, ...(isFailed ? this.#failure(item) : [status])),
    );
    return element("li", attributes, body);
  }

  /** @param {PendingSend} item */
  #failure({ cid, reason = "" }) {
    return [
      `${text("conversation.not_sent", { reason })} `,
      button(text("conversation.retry"), () => void this.#outbox.retry(cid), { class: "link-button" }),
      button(text("conversation.discard"), () => void this.#outbox.remove(cid), { class: "link-button" }),
    ];
  }
}

/**
 * @param {PendingSend} item
 * @param {boolean} isStalled see Outbox
 * @param {number} [delayMs] in about how many ms the message is sent: there is a rate limit
 * @returns {string} of a message that has not failed
 */
function sendStatus({ state }, isStalled, delayMs) {
  if (state === "sent") return text("conversation.sent");
  if (delayMs !== undefined) {
    return text("conversation.slowed_down", { time: formatDuration(Math.max(1, Math.ceil(delayMs / 1000))) });
  }
  return text(isStalled ? "conversation.waiting" : "conversation.sending");
}
