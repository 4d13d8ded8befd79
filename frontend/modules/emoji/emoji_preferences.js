/** What a person uses on this device: their recent emoji, and a skin tone. Lost storage is no error. */

const KEY = "cloudchat.emoji";
const MAX_RECENT = 24;
/** Before a person has used any. */
const COMMON = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀"];

/** @typedef {{recent: string[], tone: number}} Preferences */

export class EmojiPreferences {
  #storage;

  /** @param {Pick<Storage, "getItem" | "setItem">} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @returns {string[]} the newest first, filled with common ones */
  get recent() {
    const { recent } = this.#read();
    return [...new Set([...recent, ...COMMON])].slice(0, Math.max(recent.length, COMMON.length));
  }

  /** @returns {number} 0: none */
  get tone() {
    return this.#read().tone;
  }

  set tone(tone) {
    this.#write({ ...this.#read(), tone });
  }

  /** @param {string} emoji was used */
  use(emoji) {
    const { recent, tone } = this.#read();
    this.#write({ recent: [emoji, ...recent.filter((other) => other !== emoji)].slice(0, MAX_RECENT), tone });
  }

  /** @returns {Preferences} */
  #read() {
    try {
      const { recent, tone } = JSON.parse(this.#storage.getItem(KEY) ?? "{}");
      const isValid = Array.isArray(recent) && recent.every((emoji) => typeof emoji === "string");
      return { recent: isValid ? recent : [], tone: Number.isInteger(tone) ? tone : 0 };
    } catch {
      return { recent: [], tone: 0 };
    }
  }

  /** @param {Preferences} preferences */
  #write(preferences) {
    try {
      this.#storage.setItem(KEY, JSON.stringify(preferences));
    } catch {
      // The disk is full or blocked: they are forgotten.
    }
  }
}
