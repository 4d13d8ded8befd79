/** One row of the conversation as an element. What people write only ever becomes a text node. */

import { formatDay } from "../format.js";
import { noticeText } from "../rooms/notice_text.js";
import { button, element } from "../ui/dom.js";
import { splitLinks } from "../text/links.js";
import { isTall } from "../text/message_text.js";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const AVATAR_COLORS = 8;

/**
 * @typedef {object} RowContext
 * @property {string} ownId
 * @property {number} now milliseconds since 1970
 * @property {(gap: import("./message_reducer.js").Gap) => void} loadGap
 * @property {() => void} onUnfold a folded message was unfolded or folded: the view has another height
 */

/**
 * @param {import("./message_groups.js").Row} row
 * @param {RowContext} context
 * @returns {HTMLElement}
 */
export function renderRow(row, context) {
  if (row.kind === "gap") return renderGap(row, context);
  if (row.kind === "day") {
    return element(
      "li",
      { class: "day-separator" },
      element("time", { datetime: row.at }, formatDay(new Date(row.at), context.now)),
    );
  }
  if (row.kind === "notice") {
    return element("li", { class: "notice-row" }, element("bdi", {}, noticeText(row, context.ownId)));
  }
  return renderMessage(row, context);
}

/**
 * @param {import("./outbox.js").PendingSend} item
 * @param {boolean} isStalled see Outbox
 * @param {{retry(cid: string): void, remove(cid: string): void, onUnfold(): void}} actions
 * @returns {HTMLElement}
 */
export function renderPendingSend(item, isStalled, { retry, remove, onUnfold }) {
  const failed = item.state === "failed";
  const status = failed
    ? element(
        "p",
        { class: "message-status" },
        `Not sent. ${item.reason} `,
        button("Try again", () => retry(item.cid), { class: "link-button" }),
        button("Remove", () => remove(item.cid), { class: "link-button" }),
      )
    : element("p", { class: "message-status" }, sendStatus(item, isStalled));
  const attributes = {
    class: `message own ${item.state}`,
    "data-testid": failed ? "failed" : "pending",
    "data-cid": item.cid,
  };
  return element(
    "li",
    attributes,
    element("div", { class: "message-body" }, ...renderText(item.text, onUnfold), status),
  );
}

/**
 * @param {import("./outbox.js").PendingSend} item
 * @param {boolean} isStalled
 */
function sendStatus({ state }, isStalled) {
  if (state === "sent") return "Sent";
  return isStalled ? "Waiting to be sent" : "Sending…";
}

/**
 * @param {import("./message_reducer.js").Gap} gap
 * @param {RowContext} context
 */
function renderGap(gap, { loadGap }) {
  const { canLoad, isUnloaded } = gap;
  if (isUnloaded) {
    const load = button("Load newer messages", () => loadGap(gap), { class: "link-button" });
    return element("li", { class: "timeline-edge", "data-testid": "unloaded" }, load);
  }
  const text = canLoad
    ? "Some messages are missing here."
    : "Some messages are missing here and can no longer be loaded.";
  return element(
    "li",
    { class: "gap", "data-testid": "gap" },
    element("span", {}, text),
    canLoad ? button("Load missing messages", () => loadGap(gap), { class: "link-button" }) : null,
  );
}

/**
 * @param {import("./message_groups.js").MessageRow} row
 * @param {RowContext} context
 */
function renderMessage(row, { ownId, onUnfold }) {
  const { user, startsGroup, text, deleted, edited, epoch, seq, at } = row;
  const attributes = {
    class: `message${user.id === ownId ? " own" : ""}${startsGroup ? " group-start" : ""}`,
    "data-testid": "message",
    "data-epoch": epoch,
    "data-seq": String(seq),
  };
  const date = new Date(at);
  const time = element("time", { datetime: at, title: DATE_TIME.format(date) }, TIME.format(date));
  // A screen reader hears the author of every message; the eye sees the name once per group.
  const byline = element(
    "p",
    { class: "byline" },
    element("bdi", { class: "name", "data-testid": "author" }, user.name),
    " ",
    time,
  );
  const body = element(
    "div",
    { class: "message-body" },
    byline,
    ...(deleted
      ? [element("p", { class: "bubble deleted" }, "This message was deleted.")]
      : renderText(text, onUnfold)),
    edited && !deleted ? element("p", { class: "message-status" }, "edited") : null,
    renderReactions(row.reactions),
  );
  return element("li", attributes, renderAvatar(user.name), body);
}

/**
 * @param {string} text
 * @param {() => void} onUnfold
 * @returns {HTMLElement[]}
 */
function renderText(text, onUnfold) {
  const parts = splitLinks(text).map(({ label, href }) =>
    href === null
      ? label
      : element("a", { href, title: href, target: "_blank", rel: "noopener noreferrer nofollow" }, label),
  );
  const bubble = element("p", { class: "bubble", dir: "auto", "data-testid": "text" }, ...parts);
  return isTall(text) ? [bubble, renderFold(bubble, onUnfold)] : [bubble];
}

/**
 * Fold a tall message. Its whole text stays in the page, for a search and for a screen reader.
 *
 * @param {HTMLElement} bubble
 * @param {() => void} onUnfold
 */
function renderFold(bubble, onUnfold) {
  /** @param {boolean} isFolded */
  const setFolded = (isFolded) => {
    bubble.classList.toggle("folded", isFolded);
    toggle.textContent = isFolded ? "Show more" : "Show less";
    toggle.setAttribute("aria-expanded", String(!isFolded));
  };
  const toggle = button(
    "",
    () => {
      setFolded(!bubble.classList.contains("folded"));
      onUnfold();
    },
    { class: "link-button fold-button" },
  );
  // A link in the hidden part gets the focus by the Tab key: it must be visible then.
  bubble.addEventListener("focusin", () => {
    if (!bubble.classList.contains("folded")) return;
    setFolded(false);
    onUnfold();
  });
  setFolded(true);
  return toggle;
}

/** @param {readonly import("./message_reducer.js").Reaction[]} reactions */
function renderReactions(reactions) {
  if (reactions.length === 0) return null;
  const items = reactions.map(({ emoji, count }) => element("li", {}, `${emoji} ${count}`));
  return element("ul", { class: "reactions", "aria-label": "Reactions" }, ...items);
}

/** @param {string} name */
function renderAvatar(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  const [initial = "?"] = name; // by code point: half of a surrogate pair is not a letter
  return element(
    "span",
    { class: `avatar avatar-color-${hash % AVATAR_COLORS}`, "aria-hidden": "true" },
    initial.toLocaleUpperCase(),
  );
}
