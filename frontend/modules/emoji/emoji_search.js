/** Finds emoji by name, search words and short code. Pure functions. */

/**
 * @typedef {import("./emoji_data.js").Emoji} Emoji
 * @typedef {{entry: Emoji, rank: number}} Match
 */

/**
 * @param {readonly import("./emoji_data.js").EmojiGroup[]} groups
 * @param {string} query words; a word of the emoji must begin with each of them
 * @param {number} limit
 * @returns {Emoji[]} the best ones first
 */
export function searchEmoji(groups, query, limit) {
  const words = fold(query)
    .split(/[\s_:]+/u)
    .filter(Boolean);
  if (words.length === 0) return [];
  /** @type {Match[]} */
  const matches = [];
  for (const { emoji } of groups) {
    for (const entry of emoji) {
      const rank = rankOf(entry, words);
      if (rank !== null) matches.push({ entry, rank });
    }
  }
  // The order of Unicode has the common ones first; sorting keeps it among equals.
  return matches
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ entry }) => entry);
}

/**
 * @param {Emoji} entry
 * @param {string[]} words
 * @returns {number | null} 0 for the whole short code; null if it does not match
 */
function rankOf({ name, words: more, codes }, words) {
  const query = words.join("_");
  if (codes.includes(query)) return 0;
  if (codes.some((code) => code.startsWith(query))) return 1;
  const folded = fold(name);
  if (words.every((word) => beginsWord(folded, word))) return folded.startsWith(words[0]) ? 2 : 3;
  const all = `${folded} ${fold(more)} ${codes.join(" ").replaceAll("_", " ")}`;
  return words.every((word) => beginsWord(all, word)) ? 4 : null;
}

/**
 * @param {string} text
 * @param {string} word
 */
function beginsWord(text, word) {
  return text.startsWith(word) || text.includes(` ${word}`) || text.includes(`-${word}`);
}

/**
 * Without case and accents: "Café" is found as "cafe".
 *
 * @param {string} text
 */
function fold(text) {
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}
