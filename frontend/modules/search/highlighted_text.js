/**
 * The text of a hit as parts that match and parts that do not. A long text is cut around the first match. Pure functions.
 *
 * @typedef {{text: string, isMatch: boolean}} TextPart
 */

/** Code points of a hit that are shown: about 4 lines on a wide screen. */
const MAX_CHARACTERS = 280;
/** Code points before the first match, if the text is cut. */
const CONTEXT_CHARACTERS = 60;
/** Within how many of them the beginning of a word is looked for. */
const MAX_SKIPPED = 20;
const ELLIPSIS = "…";

/**
 * @param {string} text
 * @param {readonly (readonly [start: number, end: number])[]} highlights in code points, in order, the end excluded
 * @returns {TextPart[]}
 */
export function highlightedParts(text, highlights) {
  // The server counts code points, JavaScript's strings UTF-16 units.
  const characters = Array.from(text);
  const [from, to] = excerpt(characters, highlights[0]?.[0] ?? 0);
  /** @type {TextPart[]} */
  const parts = [];
  /**
   * @param {number} start
   * @param {number} end
   * @param {boolean} isMatch
   */
  function add(start, end, isMatch) {
    const part = characters.slice(Math.max(start, from), Math.min(end, to)).join("");
    if (part !== "") parts.push({ text: part, isMatch });
  }
  let position = from;
  for (const [start, end] of highlights) {
    add(position, start, false);
    add(start, end, true);
    position = Math.max(position, end);
  }
  add(position, to, false);
  if (from > 0) parts.unshift({ text: ELLIPSIS, isMatch: false });
  if (to < characters.length) parts.push({ text: ELLIPSIS, isMatch: false });
  return parts;
}

/**
 * @param {string[]} characters
 * @param {number} firstMatch
 * @returns {[from: number, to: number]} which of them are shown
 */
function excerpt(characters, firstMatch) {
  if (characters.length <= MAX_CHARACTERS) return [0, characters.length];
  let from = Math.max(0, Math.min(firstMatch - CONTEXT_CHARACTERS, characters.length - MAX_CHARACTERS));
  const skippable = from === 0 ? [] : characters.slice(from, Math.min(firstMatch, from + MAX_SKIPPED));
  from += skippable.findIndex((character) => /\s/u.test(character)) + 1; // begin with a whole word
  return [from, Math.min(characters.length, from + MAX_CHARACTERS)];
}
