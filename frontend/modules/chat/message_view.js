/** One row of the conversation as an element. Text from people only ever becomes a text node. */

import { button, element } from "./dom.js";
import { splitLinks } from "./links.js";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const TONES = 8;

/**
 * @param {any} row from rows.js
 * @param {{ownId: string, fill(run: number): void}} context
 * @returns {HTMLElement}
 */
export function drawRow(row, { ownId, fill }) {
  if (row.kind === "gap") return drawGap(row, fill);
  if (row.kind === "day") {
    return element("li", { class: "day" }, element("time", { datetime: row.at }, DAY.format(new Date(row.at))));
  }
  return drawMessage(row, row.user.id === ownId);
}

/**
 * @param {import("./outbox.js").OutboxItem & {stalled: boolean}} item
 * @param {{retry(cid: string): void, remove(cid: string): void}} actions
 */
export function drawWaiting(item, { retry, remove }) {
  const failed = item.state === "failed";
  const note = failed
    ? element("p", { class: "state" }, `Not sent. ${item.reason} `,
        button("Try again", () => retry(item.cid), { class: "text" }),
        button("Remove", () => remove(item.cid), { class: "text" }))
    : element("p", { class: "state" }, progress(item));
  const attributes = { class: `message own ${item.state}`, "data-testid": failed ? "failed" : "pending", "data-cid": item.cid };
  return element("li", attributes, element("div", { class: "body" }, drawText(item.text), note));
}

function progress({ state, stalled }) {
  if (state === "sent") return "Sent";
  return stalled ? "Waiting to be sent" : "Sending…";
}

function drawGap({ run, fillable }, fill) {
  const words = fillable ? "Some messages are missing here." : "Some messages are missing here and can’t be loaded any more.";
  return element("li", { class: "gap", "data-testid": "gap" },
    element("span", {}, words),
    fillable ? button("Load them", () => fill(run), { class: "text" }) : null);
}

function drawMessage(row, own) {
  const { user, opens, text, deleted, edited, epoch, seq, at } = row;
  const attributes = {
    class: `message${own ? " own" : ""}${opens ? " opens" : ""}`,
    "data-testid": "message",
    "data-epoch": epoch,
    "data-seq": String(seq),
  };
  const moment = new Date(at);
  const time = element("time", { datetime: at, title: MOMENT.format(moment) }, TIME.format(moment));
  // Every message names its writer for a screen reader; the eye sees that once per group.
  const byline = element("p", { class: "byline" }, element("bdi", { class: "name", "data-testid": "author" }, user.name), " ", time);
  const body = element("div", { class: "body" }, byline,
    deleted ? element("p", { class: "said gone" }, "This message was deleted.") : drawText(text),
    edited && !deleted ? element("p", { class: "state" }, "edited") : null,
    drawReactions(row.reactions));
  return element("li", attributes, drawAvatar(user), body);
}

function drawText(text) {
  const parts = splitLinks(text).map(({ text: words, href }) =>
    href === null ? words : element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, words));
  return element("p", { class: "said", dir: "auto", "data-testid": "text" }, ...parts);
}

function drawReactions(reactions) {
  if (reactions.length === 0) return null;
  const drawn = reactions.map(({ emoji, count }) => element("li", {}, `${emoji} ${count}`));
  return element("ul", { class: "reactions", "aria-label": "Reactions" }, ...drawn);
}

function drawAvatar({ name }) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  const [initial = "?"] = name; // by code point: half a surrogate pair is no letter
  return element("span", { class: `avatar tone-${sum % TONES}`, "aria-hidden": "true" }, initial.toLocaleUpperCase());
}
