/** The button that shows and hides what is typed into password fields. */

import { text } from "../strings/strings.js";

export class PasswordToggle {
  #button;
  #inputs;

  /**
   * @param {HTMLElement} button
   * @param {...HTMLInputElement} inputs
   */
  constructor(button, ...inputs) {
    this.#button = button;
    this.#inputs = inputs;
    button.addEventListener("click", () => this.#show(inputs[0].type === "password"));
    this.hide();
  }

  hide() {
    this.#show(false);
  }

  /** @param {boolean} isVisible */
  #show(isVisible) {
    for (const input of this.#inputs) input.type = isVisible ? "text" : "password";
    this.#button.textContent = text(isVisible ? "sign_in.hide" : "sign_in.show");
    this.#button.setAttribute("aria-pressed", String(isVisible));
  }
}
