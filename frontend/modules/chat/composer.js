/** The box in which a message is written. Its text goes to the outbox, whether the page is connected or not. */

import { formatCount } from "../format.js";
import { byId } from "../ui/dom.js";

/** Share of the limit from which the remaining characters are shown. */
const COUNT_FROM = 0.8;
/** Shares of the limit at which a screen reader speaks the count, which changes with every key. */
const ANNOUNCE_AT = [COUNT_FROM, 0.95, 1];
/**
 * The server accepts only tab and newline. The others come from pasting out of terminals and PDFs, and are invisible.
 */
const CONTROL_CHARACTERS = /[^\P{Cc}\t\n]/gu;
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
  #notice = "";
  #send;
  #sendButton = byId("send", HTMLButtonElement);
  #placeholder = this.#draft.placeholder;

  /** @param {(text: string) => Promise<void>} send rejects if the outbox is full */
  constructor(send) {
    this.#send = send;
    const { signal } = this.#abort;
    this.#draft.addEventListener("input", () => this.#count(), { signal });
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

  /** @param {number} characters code points, as the server counts */
  setMaxLength(characters) {
    this.#maxLength = characters;
    this.#count();
  }

  focus() {
    this.#draft.focus();
  }

  get text() {
    return this.#draft.value;
  }

  /** @param {string} text */
  setText(text) {
    this.#draft.value = text;
    this.#count();
  }

  /**
   * Allow or forbid to write. What was written stays readable and can be copied.
   *
   * @param {boolean} isAllowed
   */
  allowWriting(isAllowed) {
    this.#draft.readOnly = !isAllowed;
    this.#draft.setAttribute("aria-disabled", String(!isAllowed));
    this.#sendButton.disabled = !isAllowed;
    this.#draft.placeholder = isAllowed ? this.#placeholder : "You cannot write here any more";
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

  close() {
    this.#abort.abort();
    this.allowWriting(true);
    this.#notice = "";
    this.#form.reset();
    this.#count();
    this.announce("");
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    // The Enter that ends the composition of an input method belongs to the input method.
    const isComposing = event.isComposing || event.keyCode === COMPOSING_KEY_CODE;
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  async #submit() {
    if (this.#sendButton.disabled) return;
    const text = wellFormed(this.#draft.value).replace(CONTROL_CHARACTERS, "");
    this.focus(); // pressing "Send" took the focus, and a phone's keyboard closes with it
    if (text.trim() === "" || countCharacters(text) > this.#maxLength) {
      this.#count();
      return;
    }
    this.#form.reset();
    this.#count();
    try {
      await this.#send(text);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.setText(text);
      this.#note.textContent = error.message;
      this.announce(error.message);
    }
  }

  #count() {
    const length = countCharacters(this.#draft.value);
    const left = this.#maxLength - length;
    this.#draft.setAttribute("aria-invalid", String(left < 0));
    if (left < 0) this.#note.textContent = `${formatCount(-left, "character")} too long`;
    else if (length > this.#maxLength * COUNT_FROM) this.#note.textContent = `${formatCount(left, "character")} left`;
    else this.#note.textContent = this.#notice;
    const level = ANNOUNCE_AT.filter((share) => length > this.#maxLength * share).length;
    if (level !== this.#level) this.announce(this.#note.textContent);
    this.#level = level;
  }
}

/**
 * Half of a surrogate pair (a cut emoji) cannot be encoded: the server would refuse the message.
 *
 * @param {string} text
 * @returns {string}
 */
function wellFormed(text) {
  return text.toWellFormed?.() ?? text;
}

/** @param {string} text */
function countCharacters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
