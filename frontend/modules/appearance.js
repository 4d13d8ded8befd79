/**
 * The colours and the language that the person chose on this device. Without a choice, the page follows the system and
 * the browser.
 *
 * @typedef {"system" | "light" | "dark"} Theme
 */

const THEME_KEY = "cloudchat.theme";
const LANGUAGE_KEY = "cloudchat.language";
export const THEMES = /** @type {const} */ (["system", "light", "dark"]);

/** The choice of the person, in the storage of the browser. */
export class Appearance {
  #storage;

  /** @param {Storage | null} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @returns {Theme} */
  get theme() {
    return THEMES.find((theme) => theme === this.#storage?.getItem(THEME_KEY)) ?? "system";
  }

  /** @returns {string} empty: that of the browser */
  get language() {
    return this.#storage?.getItem(LANGUAGE_KEY) ?? "";
  }

  /** @param {Theme} theme */
  setTheme(theme) {
    this.#set(THEME_KEY, theme === "system" ? "" : theme);
    this.apply();
  }

  /** @param {string} language holds from the next start of the page on */
  setLanguage(language) {
    this.#set(LANGUAGE_KEY, language);
  }

  /** Show the chosen colours. */
  apply() {
    const { theme } = this;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  /**
   * @param {string} key
   * @param {string} value empty: no choice
   */
  #set(key, value) {
    try {
      if (value === "") this.#storage?.removeItem(key);
      else this.#storage?.setItem(key, value);
    } catch {
      // The quota is used up.
    }
  }
}
