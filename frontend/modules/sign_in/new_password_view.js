/** The form for a new password: the first step after signing in with a one-time password. */

import { text } from "../strings/strings.js";
import { byId, formControl, formValues } from "../ui/dom.js";
import { FieldError, fieldOf, FormErrors } from "../ui/form_errors.js";
import { loadPasswordHint } from "../passwords/on_demand.js";
import { PasswordToggle } from "../passwords/password_toggle.js";

/**
 * Field of the server's error → id of its control.
 *
 * @type {Record<string, string>}
 */
const CONTROLS = { current_password: "current-password", new_password: "next-password" };

export class NewPasswordView {
  #form = byId("new-password", HTMLFormElement);
  #toggle = new PasswordToggle(
    byId("toggle-new-password"),
    byId("next-password", HTMLInputElement),
    byId("current-password", HTMLInputElement),
  );
  #errors;
  /** The one-time password that was just used to sign in: it is not asked again. */
  #known = "";

  /**
   * @param {{change(current: string, next: string): Promise<void>, signOut(): void}} actions
   * @param {import("../clock.js").Clock} clock
   */
  constructor(actions, clock) {
    const submit = byId("new-password-submit", HTMLButtonElement);
    this.#errors = new FormErrors({ form: this.#form, output: byId("new-password-error"), submit, clock });
    byId("new-password-sign-out").addEventListener("click", () => actions.signOut());
    void loadPasswordHint({
      input: byId("next-password", HTMLInputElement),
      username: () => formControl(this.#form, "username").value,
      clock,
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { next, current: typed } = formValues(this.#form);
      const current = this.#known === "" ? typed : this.#known;
      this.#errors.clear();
      const missing = missingField(current, next);
      if (missing !== null) {
        this.#errors.show(missing);
        focusInvalid(missing);
        return;
      }
      this.#errors.submit(
        () => actions.change(current, next),
        (error) => {
          if (fieldOf(error) === "current_password") this.#ask("");
          focusInvalid(error);
        },
      );
    });
  }

  /**
   * @param {string} username under which a password manager files the password
   * @param {string} current the one-time password, if it was just used to sign in; empty: it is asked
   */
  show(username, current) {
    this.#errors.clear();
    this.#ask(current);
    formControl(this.#form, "username").value = username;
    this.#form.hidden = false;
    byId(current === "" ? "current-password" : "next-password").focus();
  }

  hide() {
    this.#form.hidden = true;
    this.#toggle.hide();
    this.#ask("");
    this.#form.reset();
  }

  /** @param {string} known the one-time password; empty: ask for it */
  #ask(known) {
    this.#known = known;
    byId("current-password-field").hidden = known !== "";
  }
}

/**
 * An empty field is not sent: the server would have nothing to check.
 *
 * @param {string} current
 * @param {string} next
 * @returns {FieldError | null}
 */
function missingField(current, next) {
  if (current === "") return new FieldError(text("new_password.current_missing"), "current_password");
  if (next === "") return new FieldError(text("new_password.next_missing"), "new_password");
  return null;
}

/** @param {Error} error */
function focusInvalid(error) {
  const id = CONTROLS[fieldOf(error) ?? ""];
  if (id === undefined) return;
  byId(id).setAttribute("aria-invalid", "true");
  byId(id).focus();
}
