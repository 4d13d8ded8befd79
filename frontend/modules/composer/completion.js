/**
 * The list of suggestions above the composer: people after "@", emoji after ":". The focus stays in the text; arrow keys
 * choose, Enter or Tab insert, Escape closes.
 */

import { loadEmoji, withTone } from "../emoji/emoji_data.js";
import { EmojiPreferences } from "../emoji/emoji_preferences.js";
import { searchEmoji } from "../emoji/emoji_search.js";
import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { ListboxSelection } from "../ui/lists/listbox_selection.js";
import { findTrigger, matchMembers } from "./completion_triggers.js";

const MAX_SUGGESTIONS = 8;
const EVERYBODY = "room";

/**
 * @typedef {{icon: string, label: string, hint: string, insert: string}} Suggestion
 *
 * @typedef {object} CompletionRoom
 * @property {readonly import("../rooms/room_types.js").Member[]} members
 * @property {() => Promise<void>} loadMembers
 * @property {import("../net/protocol.js").RoomInfo} info
 * @property {import("../net/protocol.js").Author} self
 */

export class Completion {
  #input;
  #room;
  #announce;
  #list = element("ul", { id: "suggestions", role: "listbox", class: "suggestions", "aria-label": text("conversation.suggestions"), hidden: true }); // prettier-ignore
  /** @type {Suggestion[]} */
  #suggestions = [];
  #selection;
  /** @type {import("./completion_triggers.js").Trigger | null} */
  #trigger = null;
  /** Where the person closed the list: it stays closed for this word. */
  #dismissedAt = -1;
  /** Counts the searches: an answer of an earlier one is stale. */
  #search = 0;

  /**
   * @param {HTMLTextAreaElement} input
   * @param {CompletionRoom} room
   * @param {AbortSignal} signal
   * @param {(text: string) => void} announce
   */
  constructor(input, room, signal, announce) {
    this.#input = input;
    this.#room = room;
    this.#announce = announce;
    this.#selection = new ListboxSelection(input, this.#list);
    input.parentElement?.append(this.#list);
    input.setAttribute("aria-autocomplete", "list");
    input.addEventListener("input", (event) => this.#update(event instanceof InputEvent && event.isComposing), {
      signal,
    });
    input.addEventListener("blur", () => this.#close(), { signal });
    input.addEventListener("click", () => this.#update(false), { signal });
    // A press must not take the focus from the text, which would close the list.
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", ({ target }) => {
      const index = this.#selection.indexOf(target);
      if (index >= 0) this.#insert(index);
    });
    signal.addEventListener("abort", () => {
      this.#close();
      this.#list.remove();
    });
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it was for the list
   */
  handleKey(event) {
    if (this.#list.hidden) return false;
    if ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey)) {
      this.#insert(this.#selection.index);
    } else if (event.key === "Escape") {
      this.#dismissedAt = this.#trigger?.start ?? -1;
      this.#close();
    } else if (!this.#selection.handleKey(event)) return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  /** @param {boolean} isComposing the input method has not finished the word */
  async #update(isComposing) {
    const { value, selectionStart, selectionEnd } = this.#input;
    const trigger = isComposing || selectionStart !== selectionEnd ? null : findTrigger(value, selectionStart);
    if (trigger?.start !== this.#dismissedAt) this.#dismissedAt = -1;
    const search = ++this.#search;
    if (trigger === null || this.#dismissedAt >= 0) {
      this.#close();
      return;
    }
    const found = await this.#find(trigger).catch(() => []);
    if (search !== this.#search) return;
    this.#trigger = trigger;
    this.#show(found);
  }

  /**
   * @param {import("./completion_triggers.js").Trigger} trigger
   * @returns {Promise<Suggestion[]>}
   */
  async #find({ kind, query }) {
    if (kind === "emoji") {
      const { tone } = new EmojiPreferences(localStorage);
      return searchEmoji(await loadEmoji(), query, MAX_SUGGESTIONS).map((entry) => {
        const emoji = withTone(entry, tone);
        return {
          icon: emoji,
          label: entry.name,
          hint: entry.codes.length > 0 ? `:${entry.codes[0]}:` : "",
          insert: emoji,
        };
      });
    }
    await this.#room.loadMembers();
    const others = this.#room.members.filter(({ id }) => id !== this.#room.self.id);
    /** @type {Suggestion[]} */
    const people = matchMembers(others, query, MAX_SUGGESTIONS).map(({ name }) => ({
      icon: "@",
      label: name,
      hint: "",
      insert: `@${name}`,
    }));
    if (this.#room.info.kind !== "direct" && EVERYBODY.startsWith(query.toLowerCase())) {
      people.push({ icon: "@", label: EVERYBODY, hint: text("conversation.mention_room"), insert: `@${EVERYBODY}` });
    }
    return people;
  }

  /** @param {Suggestion[]} suggestions */
  #show(suggestions) {
    const wasHidden = this.#list.hidden;
    this.#suggestions = suggestions;
    this.#list.hidden = suggestions.length === 0;
    if (suggestions.length === 0) {
      this.#close();
      return;
    }
    const nodes = suggestions.map(({ icon, label, hint }) =>
      element(
        "li",
        { role: "option" },
        element("span", { class: "icon", "aria-hidden": icon === "@" ? "true" : null }, icon),
        element("bdi", {}, label),
        hint === "" ? null : element("span", { class: icon === "@" ? "hint" : "hint emoji-code" }, hint),
      ),
    );
    this.#input.setAttribute("aria-controls", this.#list.id);
    this.#selection.show(nodes);
    if (wasHidden) this.#announce(text("conversation.suggestions_found", { count: suggestions.length }));
  }

  /** @param {number} index */
  #insert(index) {
    const trigger = this.#trigger;
    if (trigger === null) return;
    const { insert } = this.#suggestions[index];
    const end = trigger.start + trigger.query.length + 1;
    this.#close();
    this.#input.setSelectionRange(trigger.start, end);
    insertText(this.#input, `${insert} `);
  }

  #close() {
    this.#search += 1;
    this.#trigger = null;
    this.#list.hidden = true;
    this.#selection.show([]);
    this.#input.removeAttribute("aria-controls");
  }
}

/**
 * Replace the selection as typing does, so that "undo" works.
 *
 * @param {HTMLTextAreaElement} input
 * @param {string} inserted
 */
export function insertText(input, inserted) {
  input.focus();
  // The only way that keeps the history of undo; deprecated without a replacement.
  if (document.execCommand("insertText", false, inserted)) return;
  input.setRangeText(inserted, input.selectionStart, input.selectionEnd, "end");
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
}
