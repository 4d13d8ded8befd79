/** The reactions below a message: how many, who, and whether the reader is one of them. A press adds or removes theirs. */

import { pageLanguage, text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";

const MAX_NAMES = 10;

/** @typedef {import("../chat/message_reducer.js").Reaction} Reaction */

/**
 * @param {import("../chat/message_reducer.js").Message} message
 * @param {import("./message_row.js").RowContext} context
 * @returns {HTMLElement | null}
 */
export function renderReactions(message, context) {
  if (message.reactions.length === 0) return null;
  const chips = message.reactions.map((reaction) => element("li", {}, renderChip(message, reaction, context)));
  return element("ul", { class: "reactions", "aria-label": text("conversation.reactions") }, ...chips);
}

/**
 * @param {import("../chat/message_reducer.js").Message} message
 * @param {Reaction} reaction
 * @param {import("./message_row.js").RowContext} context
 */
function renderChip(message, reaction, { people, selfId, canReact, toggleReaction }) {
  const { emoji, count, users } = reaction;
  const names = whoReacted(reaction, people);
  const chip = button("", () => toggleReaction(message, emoji), {
    class: "reaction",
    title: names,
    "aria-label": text("conversation.reaction_label", { emoji, count, names }),
    "aria-pressed": String(users.includes(selfId)),
    disabled: !canReact,
    "data-emoji": emoji,
  });
  chip.append(element("span", { class: "emoji" }, emoji), element("span", { class: "count" }, String(count)));
  return chip;
}

/**
 * @param {Reaction} reaction
 * @param {import("./people.js").People} people
 * @returns {string} for example "ada, grace and 3 others"
 */
export function whoReacted({ users, count }, people) {
  const names = users
    .map((id) => people.nameOf(id))
    .filter((name) => name !== null)
    .slice(0, MAX_NAMES);
  const others = count - names.length;
  const parts = others > 0 ? [...names, text("conversation.others", { count: others })] : names;
  return new Intl.ListFormat(pageLanguage()).format(parts);
}
