/** What a person may be completing at the caret, `@name` or `:emoji`, and the people who match. Pure functions. */

/**
 * @typedef {object} Trigger
 * @property {"mention" | "emoji"} kind
 * @property {number} start where the "@" or ":" is
 * @property {string} query behind it
 */

const MENTION = /(?<![\p{L}\p{N}\p{M}._-])@([\p{L}\p{N}\p{M}._-]{0,32})$/u;
/** Two characters at least: ":D" and "10:30" are not the beginning of an emoji. */
const EMOJI = /(?<![\p{L}\p{N}:])[:]([\p{L}+][\p{L}\p{N}_+-]{1,30})$/u;
/** No trigger is longer: the text before is not looked at. */
const MAX_LENGTH = 40;

/**
 * @param {string} text
 * @param {number} caret
 * @returns {Trigger | null}
 */
export function findTrigger(text, caret) {
  const from = Math.max(0, caret - MAX_LENGTH);
  const before = text.slice(from, caret);
  const mention = MENTION.exec(before);
  if (mention !== null) return { kind: "mention", start: from + mention.index, query: mention[1] };
  const emoji = EMOJI.exec(before);
  return emoji === null ? null : { kind: "emoji", start: from + emoji.index, query: emoji[1] };
}

/**
 * @param {readonly import("../rooms/room_types.js").Member[]} members
 * @param {string} query
 * @param {number} limit
 * @returns {import("../rooms/room_types.js").Member[]} those whose name begins with the query first
 */
export function matchMembers(members, query, limit) {
  const key = fold(query);
  const beginning = [];
  const inside = [];
  for (const member of members) {
    const name = fold(member.name);
    if (name.startsWith(key)) beginning.push(member);
    else if (key !== "" && name.split(/[._ -]/u).some((part) => part.startsWith(key))) inside.push(member);
  }
  const byName = (/** @type {{name: string}} */ a, /** @type {{name: string}} */ b) => a.name.localeCompare(b.name);
  return [...beginning.sort(byName), ...inside.sort(byName)].slice(0, limit);
}

/** @param {string} text */
function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
