/** Where a message is written. What is sent goes to the outbox, connected or not. */

import { byId } from "./dom.js";

/** From this share of the limit on, the rest is counted. */
const COUNT_FROM = 0.8;
/** Shares of the limit at whose crossing a screen reader says the count, which changes with every key. */
const SAY_FROM = [COUNT_FROM, 0.95, 1];
/** The server takes none but tab and newline; they come by pasting from terminals and PDFs, and nobody sees them. */
const CONTROL = /[^\P{Cc}\t\n]/gu;
/** What WebKit calls the Enter that ends a composition, which it reports after the composition's end. */
const COMPOSING = 229;

export class Composer {
  #form = byId("composer");
  #draft = byId("draft");
  #note = byId("composer-note");
  #said = byId("composer-said");
  /** How many of SAY_FROM the draft is beyond. */
  #level = 0;
  #abort = new AbortController();
  #limit = 4000;
  #send;

  /** @param {(text: string) => Promise<void>} send rejects when the outbox is full */
  constructor(send) {
    this.#send = send;
    const { signal } = this.#abort;
    this.#draft.addEventListener("input", () => this.#count(), { signal });
    this.#draft.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    }, { signal });
  }

  /** @param {number} characters code points, as the server counts */
  limitTo(characters) {
    this.#limit = characters;
    this.#count();
  }

  focus() {
    this.#draft.focus();
  }

  get text() {
    return this.#draft.value;
  }

  /** @param {string} text */
  write(text) {
    this.#draft.value = text;
    this.#count();
  }

  /** For those who don't see what happens elsewhere. @param {string} text */
  say(text) {
    this.#said.textContent = text;
  }

  close() {
    this.#abort.abort();
    this.#form.reset();
    this.#count();
    this.say("");
  }

  #key(event) {
    // The Enter that ends an input method's composition belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    this.#submit();
  }

  async #submit() {
    // Half of a surrogate pair (a cut emoji) can't be encoded; the server would refuse the message.
    const text = (this.#draft.value.toWellFormed?.() ?? this.#draft.value).replace(CONTROL, "");
    this.focus(); // pressing "Send" took it, and a phone's keyboard goes with it
    if (text.trim() === "" || lengthOf(text) > this.#limit) return this.#count();
    this.#form.reset();
    this.#count();
    try {
      await this.#send(text);
    } catch (error) {
      this.write(text);
      this.#note.textContent = error.message;
      this.say(error.message);
    }
  }

  #count() {
    const length = lengthOf(this.#draft.value);
    const tooLong = length > this.#limit;
    this.#draft.setAttribute("aria-invalid", String(tooLong));
    if (tooLong) this.#note.textContent = `${characters(length - this.#limit)} too long`;
    else if (length > this.#limit * COUNT_FROM) this.#note.textContent = `${characters(this.#limit - length)} left`;
    else this.#note.textContent = "";
    const level = SAY_FROM.filter((share) => length > this.#limit * share).length;
    if (level !== this.#level) this.say(this.#note.textContent);
    this.#level = level;
  }
}

/** @param {number} count */
function characters(count) {
  return `${count} ${count === 1 ? "character" : "characters"}`;
}

/** @param {string} text */
function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}
