/**
 * Tells a screen reader what arrives, without chatter: at most once per pause, few messages by their text and many by
 * their number. The list itself is not a live region, because its rows come and go with scrolling.
 */

import { text } from "../strings/strings.js";

const PAUSE_MS = 1_500;
const MAX_MESSAGES = 3;
const MAX_TEXT = 300;

/** @typedef {{name: string, text: string}} Announcement */

export class Announcer {
  #region;
  #clock;
  /** @type {Announcement[]} */
  #waiting = [];
  #count = 0;
  #isPaused = false;
  #cancel = () => {};

  /**
   * @param {HTMLElement} region a polite live region
   * @param {import("../clock.js").Clock} clock
   */
  constructor(region, clock) {
    this.#region = region;
    this.#clock = clock;
  }

  /** @param {Announcement} message */
  add(message) {
    this.#count += 1;
    if (this.#waiting.length < MAX_MESSAGES) this.#waiting.push(message);
    if (!this.#isPaused) this.#speak();
  }

  close() {
    this.#cancel();
    this.#region.textContent = "";
  }

  #speak() {
    if (this.#count === 0) return;
    const isMany = this.#count > MAX_MESSAGES;
    const sentences = this.#waiting.map(({ name, text: said }) => `${name}: ${said.slice(0, MAX_TEXT)}`);
    this.#region.textContent = isMany ? text("conversation.many_new", { count: this.#count }) : sentences.join("\n");
    this.#waiting = [];
    this.#count = 0;
    this.#isPaused = true;
    this.#cancel = this.#clock.schedule(PAUSE_MS, () => {
      this.#isPaused = false;
      this.#speak();
    });
  }
}
