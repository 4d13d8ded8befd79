/**
 * What stands below the composer: how many characters are left, why nothing can be sent, an error, or a notice. A screen
 * reader does not speak each count, because the count changes with every key.
 */

import { text as translate } from "../strings/strings.js";
import { byId } from "../ui/dom.js";

/** Share of the limit from which the remaining characters are shown. */
const COUNT_FROM = 0.8;
/** Shares of the limit at which a screen reader speaks the count. */
const ANNOUNCE_AT = [COUNT_FROM, 0.95, 1];

export class ComposerNote {
  #note = byId("composer-note");
  #announcement = byId("composer-announcement");
  #notice = "";
  /** Why nothing can be sent now; empty: it can. */
  #blockedBy = "";
  #length = 0;
  #maxLength = Infinity;
  /** How many of ANNOUNCE_AT the draft has passed. */
  #level = 0;

  /** @returns {boolean} whether nothing can be sent now */
  get isBlocked() {
    return this.#blockedBy !== "";
  }

  /**
   * @param {number} length of the draft, in code points
   * @param {number} maxLength
   */
  count(length, maxLength) {
    this.#length = length;
    this.#maxLength = maxLength;
    this.#render();
    const level = ANNOUNCE_AT.filter((share) => length > maxLength * share).length;
    if (level !== this.#level) this.announce(this.#note.textContent);
    this.#level = level;
  }

  /**
   * Say why nothing can be sent now.
   *
   * @param {string} reason empty: it can
   */
  block(reason) {
    if (reason === this.#blockedBy) return;
    const isNew = this.#blockedBy === "";
    this.#blockedBy = reason;
    this.#render();
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
   * Show a notice for as long as this conversation is open.
   *
   * @param {string} text
   */
  showNotice(text) {
    this.#notice = text;
    this.#render();
    this.announce(text);
  }

  /**
   * Tell a screen reader what happens elsewhere on the page.
   *
   * @param {string} text
   */
  announce(text) {
    this.#announcement.textContent = text;
  }

  clear() {
    this.#notice = "";
    this.#blockedBy = "";
    this.#render();
    this.announce("");
  }

  #render() {
    const left = this.#maxLength - this.#length;
    this.#note.classList.toggle("too-long", left < 0);
    if (left < 0) this.#note.textContent = translate("conversation.too_long", { count: -left });
    else if (this.#blockedBy !== "") this.#note.textContent = this.#blockedBy;
    else if (this.#length > this.#maxLength * COUNT_FROM) {
      this.#note.textContent = translate("conversation.left", { count: left });
    } else this.#note.textContent = this.#notice;
  }
}
