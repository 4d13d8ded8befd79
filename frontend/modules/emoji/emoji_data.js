/**
 * All emoji of Unicode with their names, search words and short codes. The data is loaded on demand, in the language of
 * the page; `config/emoji/build.js` generates it.
 *
 * @typedef {object} Emoji
 * @property {string} emoji
 * @property {boolean} hasTones whether it can have a skin tone
 * @property {string} name
 * @property {string} words more words for the search, separated by spaces
 * @property {readonly string[]} codes short codes as in `:smile:`
 *
 * @typedef {"smileys" | "people" | "nature" | "food" | "travel" | "activities" | "objects" | "symbols" | "flags"} GroupName
 * @typedef {{name: GroupName, emoji: readonly Emoji[]}} EmojiGroup
 */

const TONES = ["", "🏻", "🏼", "🏽", "🏾", "🏿"];
/** The server accepts no longer reaction: src/cloudchat/protocol/emoji.py. */
const MAX_BYTES = 32;
const PERSON = /(\p{Emoji_Modifier_Base})\ufe0f?/gu;
const HANDSHAKE = "🤝";

/** @type {Map<string, Promise<EmojiGroup[]>>} */
const loaded = new Map();

/** @returns {Promise<EmojiGroup[]>} in the language of the page */
export function loadEmoji() {
  const language = document.documentElement.lang === "de" ? "de" : "en";
  const found = loaded.get(language);
  if (found !== undefined) return found;
  const loading = importData(language).then(parseData);
  loaded.set(language, loading);
  loading.catch(() => loaded.delete(language)); // without a network: the next time tries again
  return loading;
}

/** @param {"en" | "de"} language */
async function importData(language) {
  const module = language === "de" ? await import("./data_de.js") : await import("./data_en.js");
  return module.DATA;
}

/**
 * @param {string} data
 * @returns {EmojiGroup[]}
 */
export function parseData(data) {
  /** @type {{name: GroupName, emoji: Emoji[]}[]} */
  const groups = [];
  for (const line of data.split("\n")) {
    if (/^#[a-z]/u.test(line)) {
      groups.push({ name: /** @type {GroupName} */ (line.slice(1)), emoji: [] });
      continue;
    }
    const [emoji, tones, name, words, codes] = line.split("|");
    const entry = { emoji, hasTones: tones === "+", name, words, codes: codes === "" ? [] : codes.split(" ") };
    groups[groups.length - 1].emoji.push(entry);
  }
  return groups;
}

/**
 * Return an emoji with a skin tone: that of each person in it.
 *
 * @param {Emoji} entry
 * @param {number} tone 0: none, 1 (light) to 5 (dark)
 * @returns {string} without the tone if it cannot have one, or would be too long
 */
export function withTone({ emoji, hasTones }, tone) {
  if (!hasTones || tone < 1 || tone >= TONES.length) return emoji;
  const isJoined = emoji.includes("\u200d");
  const toned = emoji.replace(PERSON, (whole, person) =>
    isJoined && person === HANDSHAKE ? whole : person + TONES[tone],
  );
  return new TextEncoder().encode(toned).length > MAX_BYTES ? emoji : toned;
}
