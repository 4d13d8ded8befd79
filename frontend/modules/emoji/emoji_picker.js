/**
 * The dialog in which a person chooses an emoji: recent ones, groups, search by name. It is loaded on demand, with the
 * emoji data.
 */

import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { loadEmoji, withTone } from "./emoji_data.js";
import { EmojiGrid } from "./emoji_grid.js";
import { EmojiPreferences } from "./emoji_preferences.js";
import { searchEmoji } from "./emoji_search.js";

const MAX_RESULTS = 96;
const MARGIN_PX = 8;
const TONE_SAMPLES = ["✋", "✋🏻", "✋🏼", "✋🏽", "✋🏾", "✋🏿"];

/** @typedef {import("./emoji_data.js").GroupName | "recent"} TabName */

/** @type {Record<TabName, string>} */
const TAB_ICONS = {
  recent: "🕘",
  smileys: "🙂",
  people: "👋",
  nature: "🌿",
  food: "🍎",
  travel: "🚗",
  activities: "⚽",
  objects: "💡",
  symbols: "🔣",
  flags: "🏳️",
};

/**
 * Open the picker.
 *
 * @param {HTMLElement} anchor gets the focus back; on wide screens the picker opens beside it
 * @returns {Promise<string | null>} null if the person has chosen none
 * @throws {Error} if the data cannot be loaded
 */
export async function pickEmoji(anchor) {
  const picker = new EmojiPicker(await loadEmoji(), new EmojiPreferences(localStorage));
  return picker.open(anchor);
}

class EmojiPicker {
  #groups;
  #preferences;
  /** @type {string | null} */
  #picked = null;
  /** @type {TabName} */
  #tab = "recent";
  #search = element("input", {
    type: "search",
    autocomplete: "off",
    "aria-label": text("conversation.emoji_search"),
    placeholder: text("conversation.emoji_search"),
  });
  #preview = element("p", { class: "emoji-preview", "aria-hidden": "true" });
  #results = element("p", { class: "visually-hidden", role: "status" });
  #tabs = element("div", { class: "emoji-tabs", role: "tablist", "aria-label": text("conversation.emoji_groups") });
  #tones = element("div", { class: "emoji-tones", role: "group", "aria-label": text("conversation.emoji_tone") });
  #dialog = element("dialog", { class: "emoji-picker", "aria-label": text("conversation.emoji_picker") });
  #grid = new EmojiGrid({
    label: text("conversation.emoji_grid"),
    onPick: (emoji) => this.#pick(emoji),
    onPreview: (cell) => this.#preview.replaceChildren(cell === null ? "" : `${cell.emoji} ${cell.name}`),
    onLeave: () => this.#search.focus(),
  });

  /**
   * @param {import("./emoji_data.js").EmojiGroup[]} groups
   * @param {EmojiPreferences} preferences
   */
  constructor(groups, preferences) {
    this.#groups = groups;
    this.#preferences = preferences;
    this.#search.addEventListener("input", () => this.#render());
    this.#search.addEventListener("keydown", (event) => this.#onSearchKey(event));
    this.#tabs.addEventListener("keydown", (event) => this.#onTabKey(event));
    const close = button("×", () => this.#dialog.close(), {
      class: "icon-button emoji-close",
      "aria-label": text("conversation.close"),
    });
    const head = element("div", { class: "emoji-head" }, this.#search, close);
    const foot = element("div", { class: "emoji-foot" }, this.#preview, this.#tones);
    this.#dialog.append(head, this.#tabs, this.#grid.node, foot, this.#results);
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target === this.#dialog) this.#dialog.close(); // the backdrop
    });
  }

  /**
   * @param {HTMLElement} anchor
   * @returns {Promise<string | null>}
   */
  open(anchor) {
    this.#render();
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#place(anchor);
    // On a phone, the keyboard of the search would cover the emoji.
    if (window.matchMedia("(pointer: coarse)").matches) this.#grid.focus();
    else this.#search.focus();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => {
        this.#dialog.remove();
        if (anchor.isConnected) anchor.focus();
        resolve(this.#picked);
      });
    });
  }

  /**
   * On a phone the style sheet places it at the bottom edge.
   *
   * @param {HTMLElement} anchor
   */
  #place(anchor) {
    const { left, right, top, bottom } = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#dialog;
    const isRightSide = (left + right) / 2 > innerWidth / 2;
    const x = isRightSide ? right - width : left;
    const y = top - height - MARGIN_PX >= 0 ? top - height - MARGIN_PX : bottom + MARGIN_PX;
    const limit = (/** @type {number} */ value, /** @type {number} */ max) =>
      `${Math.max(MARGIN_PX, Math.min(value, max - MARGIN_PX))}px`;
    this.#dialog.style.setProperty("--x", limit(x, innerWidth - width));
    this.#dialog.style.setProperty("--y", limit(y, innerHeight - height));
  }

  #render() {
    const query = this.#search.value.trim();
    this.#tabs.replaceChildren(...this.#renderTabs(query !== ""));
    this.#tones.replaceChildren(...TONE_SAMPLES.map((sample, tone) => this.#renderTone(sample, tone)));
    const found = query === "" ? null : searchEmoji(this.#groups, query, MAX_RESULTS);
    this.#grid.show((found ?? this.#tabEmoji()).map((entry) => ({ emoji: this.#tone(entry), name: entry.name })));
    if (found !== null) this.#results.textContent = text("conversation.emoji_found", { count: found.length });
    this.#preview.textContent = found?.length === 0 ? text("conversation.emoji_found", { count: 0 }) : "";
  }

  /** @returns {readonly import("./emoji_data.js").Emoji[]} */
  #tabEmoji() {
    if (this.#tab !== "recent") return this.#groups.find(({ name }) => name === this.#tab)?.emoji ?? [];
    const all = new Map(this.#groups.flatMap(({ emoji }) => emoji.map((entry) => [entry.emoji, entry])));
    return this.#preferences.recent.map((emoji) => {
      const plain = emoji.replace(/\p{Emoji_Modifier}/gu, "");
      const name = (all.get(emoji) ?? all.get(plain) ?? all.get(`${plain}\ufe0f`))?.name ?? emoji;
      return { emoji, name, hasTones: false, words: "", codes: [] };
    });
  }

  /** @param {boolean} isSearching */
  #renderTabs(isSearching) {
    return /** @type {TabName[]} */ (Object.keys(TAB_ICONS)).map((name) => {
      const isSelected = !isSearching && name === this.#tab;
      const label = text(`conversation.emoji_group_${name}`);
      return button(TAB_ICONS[name], () => this.#openTab(name), {
        role: "tab",
        "aria-selected": String(isSelected),
        tabindex: name === this.#tab ? "0" : "-1",
        "aria-label": label,
        title: label,
        "data-tab": name,
      });
    });
  }

  /** @param {TabName} name */
  #openTab(name) {
    this.#tab = name;
    this.#search.value = "";
    this.#render();
    const tab = this.#tabs.querySelector(`[data-tab="${name}"]`);
    if (tab instanceof HTMLElement) tab.focus();
  }

  /**
   * @param {string} sample
   * @param {number} tone
   */
  #renderTone(sample, tone) {
    const isChosen = this.#preferences.tone === tone;
    const choose = () => {
      this.#preferences.tone = tone;
      this.#render();
      const chosen = this.#tones.children.item(tone);
      if (chosen instanceof HTMLElement) chosen.focus();
    };
    const label = text("conversation.emoji_tone_number", { number: tone });
    return button(sample, choose, { "aria-pressed": String(isChosen), "aria-label": label, title: label });
  }

  /** @param {import("./emoji_data.js").Emoji} entry */
  #tone(entry) {
    return withTone(entry, this.#preferences.tone);
  }

  /** @param {string} emoji */
  #pick(emoji) {
    this.#picked = emoji;
    this.#preferences.use(emoji);
    this.#dialog.close();
  }

  /** @param {KeyboardEvent} event */
  #onSearchKey(event) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") this.#grid.focus();
    else if (event.key === "Enter" && this.#grid.first !== null && this.#search.value.trim() !== "") {
      this.#pick(this.#grid.first);
    } else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #onTabKey({ key }) {
    const names = /** @type {TabName[]} */ (Object.keys(TAB_ICONS));
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step !== undefined) this.#openTab(names[(names.indexOf(this.#tab) + step + names.length) % names.length]);
    else if (key === "ArrowDown") this.#grid.focus();
  }
}
