/** Choosing a password of one's own: the first thing after signing in with a one-time password. */

import { byId } from "./dom.js";
import { explain } from "./refusal.js";

/** Field of the server's answer → its control. */
const CONTROLS = { current_password: "current-password", new_password: "next-password" };

export class NewPasswordView {
  #form = byId("new-password");
  #refusal;

  /**
   * @param {{change(current: string, next: string): Promise<void>, leave(): void}} actions
   * @param {import("./clock.js").Clock} clock
   */
  constructor(actions, clock) {
    this.#refusal = explain(byId("new-password-error"), this.#form.querySelector("[type=submit]"), clock);
    byId("new-password-leave").addEventListener("click", () => actions.leave());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { current, next } = Object.fromEntries(new FormData(this.#form));
      this.#refusal.clear();
      this.#refusal.during(() => actions.change(current, next), ({ field }) => this.#point(CONTROLS[field]));
    });
  }

  /** @param {string} name whose password it is: password stores file it under that */
  show(name) {
    this.#refusal.clear();
    this.#form.elements.namedItem("username").value = name;
    this.#form.hidden = false;
    byId("current-password").focus();
  }

  hide() {
    this.#form.hidden = true;
    this.#form.reset();
  }

  /** @param {string | undefined} control what the server named, if anything */
  #point(control) {
    if (control === undefined) return;
    byId(control).setAttribute("aria-invalid", "true");
    byId(control).focus();
  }
}
