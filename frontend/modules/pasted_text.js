/** Names and codes as people paste them: with spaces, invisible characters and the digits of other keyboards. */

const BLANK = String.raw`[\p{Z}\s\p{Cf}\p{Default_Ignorable_Code_Point}]+`;
const BLANKS = new RegExp(BLANK, "gu");
const BLANK_START = new RegExp(`^${BLANK}`, "u");
const DASHES = /[\p{Pd}\u2212]/gu;

/**
 * Remove blanks from the ends of a name or an address. Never use it for a password: its spaces count.
 *
 * @param {string} text
 * @returns {string}
 */
export function trimPasted(text) {
  const rest = text.replace(BLANK_START, "");
  let end = rest.length;
  while (end > 0 && BLANK_START.test(rest.charAt(end - 1))) end -= 1; // a pattern with $ would take quadratic time
  return rest.slice(0, end);
}

/**
 * Return an invite or a token without blanks and with plain hyphens: mail and text programs change them.
 *
 * @param {string} text
 * @returns {string}
 */
export function cleanToken(text) {
  return text.normalize("NFKC").replace(BLANKS, "").replace(DASHES, "-");
}

/**
 * Return an invite code, also from a whole invite link.
 *
 * @param {string} text
 * @returns {string}
 */
export function cleanInvite(text) {
  return cleanToken(text.slice(text.lastIndexOf("/") + 1));
}

/**
 * Return a one-time code or a recovery code in ASCII, without blanks and hyphens.
 *
 * @param {string} text
 * @returns {string}
 */
export function cleanCode(text) {
  return text
    .normalize("NFKC") // full-width digits and letters
    .replace(BLANKS, "")
    .replace(DASHES, "")
    .replace(/\p{Nd}/gu, decimalDigit);
}

/**
 * Every script has its ten digits in a row, from zero to nine (Unicode Standard, 4.6).
 *
 * @param {string} character
 * @returns {string}
 */
function decimalDigit(character) {
  const code = character.codePointAt(0) ?? 0;
  let zero = code;
  while (code - zero < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String(code - zero);
}
