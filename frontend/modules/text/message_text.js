/** Rules for the text of a message, without the DOM. */

/** The server has the same rule: src/cloudchat/core/invisible.py. The code points have no ink. */
const VISIBLE = /[^\u{16FE4}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}]/u;
/** The server accepts only tab and newline. The others come from pasting out of terminals and PDFs, and are invisible. */
const CONTROL_CHARACTERS = /[^\P{Cc}\t\n]/gu;
/** A taller message is folded. */
const MAX_LINES = 24;
/** Characters of a line on a wide screen. On a phone a line has half of them. */
const LINE_LENGTH = 60;

/**
 * Return whether a reader can see at least one character.
 *
 * @param {string} text
 * @returns {boolean}
 */
export function hasVisibleText(text) {
  return VISIBLE.test(text);
}

/**
 * Return what is sent of a draft: without characters that the server refuses, and without blank lines at its ends.
 * Spaces at the start of the first line stay: they indent code.
 *
 * @param {string} draft
 * @returns {string}
 */
export function cleanDraft(draft) {
  // Half of a surrogate pair (a cut emoji) cannot be encoded: the server would refuse the message.
  const text = (draft.toWellFormed?.() ?? draft).replace(/\r\n?/gu, "\n").replace(CONTROL_CHARACTERS, "");
  const lines = text.split("\n");
  const first = lines.findIndex(hasVisibleText);
  const last = lines.findLastIndex(hasVisibleText);
  return first < 0
    ? ""
    : lines
        .slice(first, last + 1)
        .join("\n")
        .trimEnd();
}

/**
 * Count as the server does: code points, not UTF-16 units.
 *
 * @param {string} text
 * @returns {number}
 */
export function countCharacters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Return whether a message would take more than about a screen. An estimate, so that no layout is measured.
 *
 * @param {string} text
 * @returns {boolean}
 */
export function isTall(text) {
  if (text.length <= MAX_LINES) return false;
  let lines = 0;
  for (const line of text.split(/[\n\u2028\u2029]/u)) lines += Math.max(1, Math.ceil(line.length / LINE_LENGTH));
  return lines > MAX_LINES;
}
