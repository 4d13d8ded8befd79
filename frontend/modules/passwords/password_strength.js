/**
 * What the page says about a new password while it is typed. The server decides: it also compares the password with
 * lists of common ones, which are too large for a page. So this never calls a password refused that the server would
 * accept, never blocks a form, and asks for more than the server does before it says "good".
 *
 * @typedef {object} Strength
 * @property {"short" | "long" | "repeated" | "predictable" | "few_words" | "good"} verdict the server refuses the first
 *   three, may refuse the next two, and accepts the last one
 * @property {number} missing characters, if it is too short
 */

/** As in auth/passwords/policy.py. */
const MIN_CHARACTERS = 15;
const MAX_CHARACTERS = 256;
const MAX_CHECKED_CHARACTERS = 64;

/** Signs that zxcvbn takes for letters, as in auth/passwords/blocklist.py. */
const LETTERS = new Map(
  Object.entries({
    a: "4@",
    b: "8",
    c: "({[<",
    e: "3",
    g: "69",
    i: "!",
    l: "1|",
    o: "0",
    s: "$5",
    t: "+7",
    x: "%",
    z: "2",
  }).flatMap(([letter, signs]) => [...signs].map((sign) => /** @type {const} */ ([sign, letter]))),
);
const WORD = /[\p{L}\p{N}4@8({[<3690!1|$5+7%2]+/gu;
const ROWS = [
  "qwertyuiop",
  "qwertzuiop",
  "azertyuiop",
  "asdfghjkl",
  "zxcvbnm",
  "yxcvbnm",
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
];
const MIN_ROW = 4;
const CONTEXT_WORDS = ["cloudchat", "chat"];
const MIN_GOOD_WORDS = 3;
const MIN_WORD_CHARACTERS = 3;
/** A generated password changes often between capitals, small letters, digits and signs. */
const MIN_GOOD_CHANGES = 8;

/**
 * @param {string} password
 * @param {string} username
 * @returns {Strength}
 */
export function strengthOf(password, username) {
  const length = Math.min(count(password), count(password.normalize("NFKC")));
  if (length < MIN_CHARACTERS) return { verdict: "short", missing: MIN_CHARACTERS - length };
  const words = [...password.matchAll(WORD)].map(([word]) => word);
  return { verdict: verdictOf(password, words, username), missing: 0 };
}

/**
 * @param {string} password that is long enough
 * @param {string[]} words
 * @param {string} username
 * @returns {Strength["verdict"]}
 */
function verdictOf(password, words, username) {
  if (count(password.normalize("NFKC")) > MAX_CHARACTERS) return "long";
  if (count(withoutRepeatedWords(password, words)) < MIN_CHARACTERS) return "repeated";
  if (count(withoutPredictable(password, username)) < MIN_CHARACTERS / 2) return "predictable";
  const distinct = new Set(words.filter((word) => count(word) >= MIN_WORD_CHARACTERS).map(keyOf));
  return distinct.size >= MIN_GOOD_WORDS || changes(password) >= MIN_GOOD_CHANGES ? "good" : "few_words";
}

/**
 * The same as in auth/passwords/blocklist.py: each word once.
 *
 * @param {string} password
 * @param {string[]} words
 */
function withoutRepeatedWords(password, words) {
  const seen = new Set();
  const kept = [];
  for (const word of words) {
    const key = keyOf(word);
    if (!seen.has(key)) kept.push(count(key) > Math.floor(count(word) / 2) ? word : key);
    seen.add(key);
  }
  const isChanged = kept.length !== words.length || kept.some((word, index) => word !== words[index]);
  return isChanged ? kept.join(" ") : password;
}

/**
 * What the variants of a word have in common: case, digits around it, look-alike signs, direction.
 *
 * @param {string} word
 */
function keyOf(word) {
  const key = word.toLowerCase();
  const letters = key.replace(/^\P{L}+|\P{L}+$/gu, "") || key;
  let plain = [...letters].map((sign) => LETTERS.get(sign) ?? sign).join("");
  plain = /^(.+?)\1+$/su.exec(plain)?.[1] ?? plain;
  const reversed = [...plain].reverse().join("");
  return plain < reversed ? plain : reversed;
}

/**
 * Remove the name, rows of keys, sequences, and signs that repeat.
 *
 * @param {string} password
 * @param {string} username
 */
function withoutPredictable(password, username) {
  let left = password.toLowerCase();
  for (const word of [username.toLowerCase(), ...CONTEXT_WORDS]) if (word !== "") left = left.replaceAll(word, "");
  for (const row of ROWS) left = withoutRow(withoutRow(left, row), [...row].reverse().join(""));
  return left.replace(/(.)\1{2,}/gsu, "$1");
}

/**
 * @param {string} text
 * @param {string} row its parts of at least `MIN_ROW` characters are removed from the text, the longest ones first
 */
function withoutRow(text, row) {
  let left = text;
  for (let length = row.length; length >= MIN_ROW; length -= 1) {
    for (let start = 0; start + length <= row.length; start += 1) {
      left = left.replaceAll(row.slice(start, start + length), "");
    }
  }
  return left;
}

/**
 * How often the kind of character changes, in what is not a repetition.
 *
 * @param {string} password
 */
function changes(password) {
  // The search for repetitions grows with the square of the length and more.
  const unrepeated = password.slice(0, MAX_CHECKED_CHARACTERS).replace(/(.+?)\1+/gsu, "$1");
  const kinds = [...unrepeated].map((sign) => [/\p{Lu}/u, /\p{L}/u, /\p{N}/u].findIndex((kind) => kind.test(sign)));
  return kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length;
}

/**
 * @param {string} text
 * @returns {number} of code points, as the server counts
 */
function count(text) {
  return [...text].length;
}
