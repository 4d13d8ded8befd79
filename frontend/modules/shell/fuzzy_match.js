/** Ranks names for the switcher: the letters that were typed, in order, with gaps. Pure functions. */

/**
 * Return how well a name matches: higher is better.
 *
 * @param {string} name
 * @param {string} query
 * @returns {number | null} null: not at all
 */
export function matchScore(name, query) {
  const [text, letters] = [fold(name), fold(query)];
  if (letters === "") return 0;
  const at = text.indexOf(letters);
  if (at === 0) return 3;
  if (at > 0) return /[\p{L}\p{N}]/u.test(text[at - 1]) ? 1.5 : 2;
  let index = 0;
  for (const letter of letters) {
    index = text.indexOf(letter, index) + 1;
    if (index === 0) return null;
  }
  return 1 - text.length / 1000;
}

/**
 * Without case and accents.
 *
 * @param {string} text
 */
function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}
