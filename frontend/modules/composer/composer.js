/**
 * The box in which a message is written. Its text goes to the outbox, whether the page is connected or not. A draft is
 * stored with every key.
 *
 * @typedef {object} ComposerTarget where the text goes
 * @property {(text: string) => Promise<void>} send rejects if the outbox is full
 * @property {(text: string) => void} save stores the draft
 * @property {() => void} typing
 */

import { text as translate } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { cleanDraft, countCharacters } from "../text/message_text.js";
import { ComposerNote } from "./composer_note.js";

/**
 * A draft may be longer than a message, so that it can be shortened, but only by this factor: a browser lays out a box
 * with megabytes of text again with every key, which takes seconds.
 */
const MAX_DRAFT_FACTOR = 4;
/**
 * keyCode of the Enter that ends a composition in WebKit, which reports that Enter after the end of the composition.
 */
const COMPOSING_KEY_CODE = 229;

export class Composer {
  /** What stands below the box. */
  note = new ComposerNote();
  #form = byId("composer", HTMLFormElement);
  #draft = byId("draft", HTMLTextAreaElement);
  #abort = new AbortController();
  #maxLength = 4000;
  /** The text of the box before the last input. */
  #accepted = "";
  #target;
  #hasTouchKeyboard;
  #sendButton = byId("send", HTMLButtonElement);
  #emojiButton = byId("insert-emoji", HTMLButtonElement);
  #placeholder;
  #onKeyFirst;
  #isAllowed = true;

  /**
   * @param {object} options
   * @param {ComposerTarget} options.target
   * @param {string} options.draft the stored draft
   * @param {string} options.placeholder
   * @param {(event: KeyboardEvent) => boolean} options.onKey sees each key first; true: it was used
   * @param {() => boolean} options.hasTouchKeyboard whether Enter is a key of an on-screen keyboard
   */
  constructor({ target, draft, placeholder, onKey, hasTouchKeyboard }) {
    this.#onKeyFirst = onKey;
    this.#placeholder = placeholder;
    this.#draft.placeholder = placeholder;
    this.#target = target;
    this.#hasTouchKeyboard = hasTouchKeyboard;
    this.#draft.enterKeyHint = hasTouchKeyboard() ? "enter" : "send";
    this.setText(draft);
    const { signal } = this.#abort;
    this.#draft.addEventListener("beforeinput", (event) => this.#onBeforeInput(event), { signal });
    this.#draft.addEventListener(
      "input",
      () => {
        this.#onInput();
        if (this.#draft.value !== "") this.#target.typing();
      },
      { signal },
    );
    this.#draft.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    this.#form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        this.#submit();
      },
      { signal },
    );
  }

  /** @returns {string} */
  get text() {
    return this.#draft.value;
  }

  /** @param {number} characters code points, as the server counts */
  setMaxLength(characters) {
    this.#maxLength = characters;
    this.#count();
  }

  focus() {
    this.#draft.focus();
  }

  /** @param {string} text */
  setText(text) {
    this.#draft.value = text;
    this.#onInput();
  }

  /**
   * Allow or forbid to write. What was written stays readable and can be copied.
   *
   * @param {boolean} isAllowed
   */
  allowWriting(isAllowed) {
    if (isAllowed === this.#isAllowed) return;
    this.#isAllowed = isAllowed;
    this.#draft.readOnly = !isAllowed;
    this.#draft.setAttribute("aria-disabled", String(!isAllowed));
    this.#emojiButton.disabled = !isAllowed;
    this.#draft.placeholder = isAllowed ? this.#placeholder : translate("conversation.cannot_write");
    this.#count();
  }

  /**
   * Say why nothing can be sent now. What is written meanwhile stays.
   *
   * @param {string} reason empty: it can
   */
  block(reason) {
    this.note.block(reason);
    this.#count();
  }

  /** Clear the box. The stored draft stays. */
  close() {
    this.#abort.abort();
    this.allowWriting(true);
    this.#form.reset();
    this.note.clear();
    this.#count();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    // The Enter that ends the composition of an input method belongs to the input method.
    const isComposing = event.isComposing || event.keyCode === COMPOSING_KEY_CODE;
    if (isComposing || this.#onKeyFirst(event) || event.key !== "Enter" || event.shiftKey) return;
    // An on-screen keyboard has no Shift+Enter: there, Enter starts a new line and the button sends.
    if (this.#hasTouchKeyboard() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#submit();
  }

  /**
   * Refuse a text that is far too long before it is in the box, pasted, dropped or inserted by a keyboard.
   *
   * @param {InputEvent} event
   */
  #onBeforeInput(event) {
    const inserted = event.data ?? event.dataTransfer?.getData("text/plain") ?? "";
    const { value, selectionStart, selectionEnd } = this.#draft;
    const text = value.slice(0, selectionStart) + inserted + value.slice(selectionEnd);
    if (!this.#isTooLong(text)) return;
    event.preventDefault();
    this.#refuse(text);
  }

  #onInput() {
    const { value } = this.#draft;
    if (this.#isTooLong(value)) {
      this.#draft.value = this.#accepted; // some extensions and keyboards set the text without `beforeinput`
      this.#count();
      this.#refuse(value);
      return;
    }
    this.#accepted = value;
    this.#target.save(value);
    this.#count();
  }

  /** @param {string} text */
  #isTooLong(text) {
    return text.length > this.#maxLength * MAX_DRAFT_FACTOR;
  }

  /** @param {string} text */
  #refuse(text) {
    const excess = countCharacters(text) - this.#maxLength;
    this.note.showError(translate("conversation.not_inserted", { count: excess, limit: this.#maxLength }));
  }

  async #submit() {
    if (!this.#isAllowed || this.note.isBlocked) return;
    const text = cleanDraft(this.#draft.value);
    this.focus(); // pressing "Send" took the focus, and a phone's keyboard closes with it
    if (text === "" || countCharacters(text) > this.#maxLength) {
      this.#count();
      return;
    }
    this.setText("");
    try {
      await this.#target.send(text);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const next = this.#draft.value; // written meanwhile
      this.setText(next === "" ? text : `${text}\n${next}`);
      this.note.showError(error.message);
    }
  }

  #count() {
    const length = countCharacters(this.#draft.value);
    const isTooLong = length > this.#maxLength;
    this.#draft.setAttribute("aria-invalid", String(isTooLong));
    this.#sendButton.disabled = !this.#isAllowed || this.note.isBlocked || isTooLong;
    this.note.count(length, this.#maxLength);
  }
}
