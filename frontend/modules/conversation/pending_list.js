/** The messages that are not in the log yet: written, sent or refused. They are below the others. */

import { text } from "../strings/strings.js";
import { button, byId, element, keepFocus } from "../ui/dom.js";
import { RowList } from "../ui/row_list.js";
import { renderText } from "./message_text_view.js";

/** @typedef {import("../outbox/pending_sends.js").PendingSend} PendingSend */

export class PendingList {
  #list = byId("pending-messages");
  #rows = new RowList(this.#list);
  #outbox;
  #onResize;

  /**
   * @param {import("../outbox/outbox.js").Outbox} outbox
   * @param {() => void} onResize a message has another height now
   */
  constructor(outbox, onResize) {
    this.#outbox = outbox;
    this.#onResize = onResize;
  }

  render() {
    const { items, isStalled } = this.#outbox;
    const rows = items.map((item) => ({
      key: item.cid,
      version: `${item.state} ${isStalled}`,
      render: () => this.#renderItem(item, isStalled),
    }));
    keepFocus(this.#list, byId("draft"), () => this.#rows.update(rows));
  }

  clear() {
    this.#list.replaceChildren();
  }

  /**
   * @param {PendingSend} item
   * @param {boolean} isStalled see Outbox
   * @returns {HTMLElement}
   */
  #renderItem(item, isStalled) {
    const isFailed = item.state === "failed";
    const status = isFailed ? this.#failure(item) : [sendStatus(item, isStalled)];
    const attributes = {
      class: `message own ${item.state}`,
      "data-testid": isFailed ? "failed" : "pending",
      "data-cid": item.cid,
    };
    const body = element(
      "div",
      { class: "message-body" },
      ...renderText(item.text, () => null, this.#onResize),
      element("p", { class: "message-status" }, ...status),
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
 * @param {boolean} isStalled
 */
function sendStatus({ state }, isStalled) {
  if (state === "sent") return text("conversation.sent");
  return text(isStalled ? "conversation.waiting" : "conversation.sending");
}
