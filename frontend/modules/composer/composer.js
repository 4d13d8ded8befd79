/**
 * The box in which a message is written. Its text goes to the outbox, whether the page is connected or not. A draft is
 * stored with every key.
 */

import { text as translate } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { cleanDraft, countCharacters } from "../text/message_text.js";

/** Share of the limit from which the remaining characters are shown. */
const COUNT_FROM = 0.8;
/** Shares of the limit at which a screen reader speaks the count, which changes with every key. */
const ANNOUNCE_AT = [COUNT_FROM, 0.95, 1];
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
  #form = byId("composer", HTMLFormElement);
  #draft = byId("draft", HTMLTextAreaElement);
  #note = byId("composer-note");
  #announcement = byId("composer-announcement");
  /** How many of ANNOUNCE_AT the draft has passed. */
  #level = 0;
  #abort = new AbortController();
  #maxLength = 4000;
  /** The text of the box before the last input. */
  #accepted = "";
  #save;
  #hasTouchKeyboard;
  #notice = "";
  #send;
  #sendButton = byId("send", HTMLButtonElement);
  #placeholder;
  #onTyping;
  #onKeyFirst;
  #isAllowed = true;
  /** Why nothing can be sent now; empty: it can. */
  #blockedBy = "";

  /**
   * @param {object} options
   * @param {(text: string) => Promise<void>} options.send rejects if the outbox is full
   * @param {(text: string) => void} options.save stores the draft
   * @param {string} options.draft the stored draft
   * @param {string} options.placeholder
   * @param {() => void} options.onTyping
   * @param {(event: KeyboardEvent) => boolean} options.onKey sees each key first; true: it was used
   * @param {() => boolean} options.hasTouchKeyboard whether Enter is a key of an on-screen keyboard
   */
  constructor({ send, save, draft, placeholder, onTyping, onKey, hasTouchKeyboard }) {
    this.#onKeyFirst = onKey;
    this.#placeholder = placeholder;
    this.#onTyping = onTyping;
    this.#draft.placeholder = placeholder;
    this.#send = send;
    this.#save = save;
    this.#hasTouchKeyboard = hasTouchKeyboard;
    this.#draft.enterKeyHint = hasTouchKeyboard() ? "enter" : "send";
    this.setText(draft);
    const { signal } = this.#abort;
    this.#draft.addEventListener("beforeinput", (event) => this.#onBeforeInput(event), { signal });
    this.#draft.addEventListener(
      "input",
      () => {
        this.#onInput();
        if (this.#draft.value !== "") this.#onTyping();
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
    this.#draft.placeholder = isAllowed ? this.#placeholder : translate("conversation.cannot_write");
    this.#count();
  }

  /**
   * Say why nothing can be sent now. What is written meanwhile stays.
   *
   * @param {string} reason empty: it can
   */
  block(reason) {
    if (reason === this.#blockedBy) return;
    const isNew = this.#blockedBy === "";
    this.#blockedBy = reason;
    this.#count();
    // The time that is left changes each second: only the first one is spoken.
    if (isNew) this.announce(reason);
  }

  /**
   * Show an error until the next key.
   *
   * @param {string} message
   */
  showError(message) {
    this.#note.textContent = message;
    this.announce(message);
  }

  /**
   * Tell a screen reader what happens elsewhere on the page.
   *
   * @param {string} text
   */
  announce(text) {
    this.#announcement.textContent = text;
  }

  /**
   * Show a note below the box for as long as this chat is open.
   *
   * @param {string} text
   */
  showNotice(text) {
    this.#notice = text;
    this.#count();
    this.announce(text);
  }

  /** Clear the box. The stored draft stays. */
  close() {
    this.#abort.abort();
    this.allowWriting(true);
    this.#notice = "";
    this.#blockedBy = "";
    this.#form.reset();
    this.#count();
    this.announce("");
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
    this.#save(value);
    this.#count();
  }

  /** @param {string} text */
  #isTooLong(text) {
    return text.length > this.#maxLength * MAX_DRAFT_FACTOR;
  }

  /** @param {string} text */
  #refuse(text) {
    const excess = countCharacters(text) - this.#maxLength;
    this.showError(translate("conversation.not_inserted", { count: excess, limit: this.#maxLength }));
  }

  async #submit() {
    if (!this.#isAllowed || this.#blockedBy !== "") return;
    const text = cleanDraft(this.#draft.value);
    this.focus(); // pressing "Send" took the focus, and a phone's keyboard closes with it
    if (text === "" || countCharacters(text) > this.#maxLength) {
      this.#count();
      return;
    }
    this.setText("");
    try {
      await this.#send(text);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const next = this.#draft.value; // written meanwhile
      this.setText(next === "" ? text : `${text}\n${next}`);
      this.showError(error.message);
    }
  }

  #count() {
    const length = countCharacters(this.#draft.value);
    const left = this.#maxLength - length;
    this.#draft.setAttribute("aria-invalid", String(left < 0));
    this.#sendButton.disabled = !this.#isAllowed || this.#blockedBy !== "" || left < 0;
    if (left < 0) this.#note.textContent = translate("conversation.too_long", { count: -left });
    else if (this.#blockedBy !== "") this.#note.textContent = this.#blockedBy;
    else if (length > this.#maxLength * COUNT_FROM) {
      this.#note.textContent = translate("conversation.left", { count: left });
    } else this.#note.textContent = this.#notice;
    const level = ANNOUNCE_AT.filter((share) => length > this.#maxLength * share).length;
    if (level !== this.#level) this.announce(this.#note.textContent);
    this.#level = level;
  }
}
