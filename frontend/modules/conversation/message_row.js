/**
 * One message as an element. What people write only ever becomes a text node.
 *
 * @typedef {import("./rows.js").MessageRow} MessageRow
 * @typedef {import("../chat/message_reducer.js").Message} Message
 *
 * @typedef {object} RowContext
 * @property {import("./people.js").People} people
 * @property {string} selfId
 * @property {boolean} isDirect whether the room is a direct conversation
 * @property {number} now milliseconds since 1970
 * @property {(seq: number) => Message | null} find the loaded message with this seq
 * @property {boolean} canReact
 * @property {import("../rooms/reading/seen_by.js").SeenMark | null} seen the own message that was read last
 * @property {(key: string) => void} onResize a row has another height now
 * @property {(seq: number) => void} jumpTo
 * @property {(message: Message, emoji: string) => void} toggleReaction
 * @property {(gap: import("../chat/message_reducer.js").Gap) => void} loadGap
 */

import { formatFullDateTime, formatTime } from "../format.js";
import { text } from "../strings/strings.js";
import { quotedText } from "../text/quoted_text.js";
import { button, element } from "../ui/dom.js";
import { renderText } from "./message_text_view.js";
import { renderReactions } from "./reactions.js";

const AVATAR_COLORS = 8;

/**
 * @param {MessageRow} row
 * @param {RowContext} context
 * @returns {string} changes whenever the row looks different
 */
export function messageVersion({ item, startsGroup }, { people, find, seen }) {
  const hasNames = item.mentions.length > 0 || item.reactions.length > 0;
  const quoted = item.replyTo === null ? "" : (find(item.replyTo)?.version ?? "missing");
  const seenBy = seen?.seq === item.seq ? seen.names.length : "";
  return `${item.version} ${startsGroup} ${hasNames ? people.size : ""} ${quoted} ${seenBy}`;
}

/**
 * @param {MessageRow} row
 * @param {RowContext} context
 * @returns {HTMLElement}
 */
export function renderMessage({ key, item, startsGroup }, context) {
  const { user, deleted, epoch, seq } = item;
  const { people, selfId, onResize } = context;
  const attributes = {
    class: classesOf(item, startsGroup, context),
    tabindex: "-1",
    "data-testid": "message",
    "data-epoch": epoch,
    "data-seq": String(seq),
  };
  const content = deleted
    ? [element("p", { class: "bubble deleted" }, text("conversation.deleted"))]
    : renderText(item.text, people.mentionFinder(item), () => onResize(key));
  const body = element(
    "div",
    { class: "message-body" },
    renderByline(item),
    item.replyTo === null || deleted ? null : renderQuote(item.replyTo, context),
    ...content,
    item.edited && !deleted ? renderEdited(item) : null,
    renderReactions(item, context),
    context.seen?.seq === seq ? renderSeen(context.seen) : null,
  );
  return element(
    "li",
    attributes,
    renderAvatar(user.name),
    body,
    user.id === selfId ? null : renderGutterTime(item.at),
  );
}

/**
 * @param {Message} item
 * @param {boolean} startsGroup
 * @param {RowContext} context
 */
function classesOf(item, startsGroup, { people, selfId }) {
  const isOwn = item.user.id === selfId;
  const classes = ["message"];
  if (isOwn) classes.push("own");
  if (startsGroup) classes.push("group-start");
  if (!isOwn && people.mentionsSelf(item)) classes.push("mentions-self");
  return classes.join(" ");
}

/**
 * A screen reader hears the author of every message; the eye sees the name once per group, and the time of each message
 * when it is pointed at.
 *
 * @param {Message} item
 */
function renderByline({ user, at }) {
  const bot = user.bot === true ? element("span", { class: "bot" }, text("conversation.bot")) : null;
  return element(
    "p",
    { class: "byline" },
    element("bdi", { class: "name", "data-testid": "author" }, user.name),
    bot,
    " ",
    renderTime(at),
  );
}

/** @param {string} at */
function renderTime(at) {
  return element("time", { datetime: at, title: formatFullDateTime(at) }, formatTime(at));
}

/**
 * In the place of the avatar of a message that continues a group.
 *
 * @param {string} at
 */
function renderGutterTime(at) {
  return element("span", { class: "gutter-time", "aria-hidden": "true" }, renderTime(at));
}

/** @param {import("../rooms/reading/seen_by.js").SeenMark} seen */
function renderSeen({ names, isAll }) {
  const label = isAll ? text("conversation.seen") : text("conversation.seen_by", { names: names.join(", ") });
  return element("p", { class: "message-status", "data-testid": "seen" }, label);
}

/** @param {Message} item */
function renderEdited({ editedAt }) {
  const title = editedAt === null ? null : text("conversation.edited_at", { time: formatFullDateTime(editedAt) });
  return element("p", { class: "message-status", title }, text("conversation.edited"));
}

/**
 * @param {number} seq
 * @param {RowContext} context
 */
function renderQuote(seq, { find, jumpTo }) {
  const quoted = find(seq);
  const parts =
    quoted === null
      ? [text("conversation.quote_earlier")]
      : [
          element("bdi", { class: "name" }, quoted.user.name),
          " ",
          element("bdi", { class: "quoted-text" }, quotedText(quoted)),
        ];
  const label =
    quoted === null ? null : text("conversation.quote_of", { name: quoted.user.name, text: quotedText(quoted) });
  const quote = button("", () => jumpTo(seq), { class: "quote", "aria-label": label });
  quote.append(...parts);
  return quote;
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
