/**
 * The error of a form: the server's message, and for "too many attempts" a countdown. The button stays disabled until
 * the countdown ends, so that impatient presses do not extend the wait.
 */

import { messageOf } from "../error_text.js";
import { formatDuration } from "../format.js";
import { ApiError } from "../net/http/api.js";
import { StaleRequest } from "../net/session/session.js";
import { textWith } from "../strings/strings.js";
import { element } from "./dom.js";

/** An error that the page itself found in a field, before anything was sent. */
export class FieldError extends Error {
  /**
   * @param {string} message
   * @param {string} field
   */
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

/**
 * Return the field that an error is about.
 *
 * @param {Error} error
 * @returns {string | null}
 */
export function fieldOf(error) {
  return error instanceof ApiError || error instanceof FieldError ? error.field : null;
}

export class FormErrors {
  #form;
  #output;
  #submit;
  #clock;
  #busy = false;
  #cancelCountdown = () => {};
  #countdown = element("span", { "aria-live": "off" });

  /**
   * @param {object} options
   * @param {HTMLFormElement} options.form
   * @param {HTMLElement} options.output with role=alert
   * @param {HTMLButtonElement} options.submit
   * @param {import("../clock.js").Clock} options.clock
   */
  constructor({ form, output, submit, clock }) {
    this.#form = form;
    this.#output = output;
    this.#submit = submit;
    this.#clock = clock;
  }

  /** Remove the error. */
  clear() {
    this.#cancelCountdown();
    this.#output.hidden = true;
    this.#output.textContent = "";
    this.#submit.disabled = this.#busy; // editing the form while it is sent must not allow a second send
    for (const field of this.#form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  /** @param {Error} error */
  show(error) {
    this.#output.hidden = false;
    if (error instanceof ApiError && error.status === 429 && error.retryAfterMs) {
      this.#showCountdown(error, this.#clock.now() + error.retryAfterMs);
    } else {
      this.#output.textContent = messageOf(error);
    }
  }

  /**
   * Send the form: disable its button meanwhile, and show the error if there is one.
   *
   * @param {() => Promise<void>} send
   * @param {(error: Error) => void} [onError]
   */
  async submit(send, onError = () => {}) {
    if (this.#submit.disabled) return;
    // A disabled button loses the focus, and Tab would start at the top of the page.
    const hadFocus = document.activeElement === this.#submit;
    this.#setBusy(true);
    /** @type {Error | null} */
    const error = await send().then(
      () => null,
      (reason) => reason,
    );
    this.#setBusy(false);
    if (error === null) {
      this.clear();
      return;
    }
    if (error instanceof StaleRequest) return;
    if (hadFocus && document.activeElement === document.body) this.#submit.focus();
    this.show(error);
    onError(error);
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#busy = busy;
    this.#submit.disabled = busy;
    if (busy) this.#submit.setAttribute("aria-busy", "true");
    else this.#submit.removeAttribute("aria-busy");
  }

  /**
   * @param {Error} error
   * @param {number} until
   */
  #showCountdown(error, until) {
    const seconds = Math.ceil((until - this.#clock.now()) / 1000);
    if (seconds <= 0) {
      this.clear();
      return;
    }
    this.#submit.disabled = true;
    // A screen reader speaks the first number only; the countdown is for the eye.
    if (!this.#output.contains(this.#countdown)) {
      this.#output.replaceChildren(...textWith("error.retry_in", { message: error.message, time: this.#countdown }));
    }
    this.#countdown.textContent = formatDuration(seconds);
    this.#cancelCountdown = this.#clock.schedule(1000, () => this.#showCountdown(error, until));
  }
}
