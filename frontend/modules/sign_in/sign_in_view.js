/** The sign-in form, which is also the form that creates an account and the one that asks for the second factor. */

import { ApiError } from "../net/http/api.js";
import { cleanCode, cleanInvite, trimPasted } from "../pasted_text.js";
import { text } from "../strings/strings.js";
import { byId, formValues } from "../ui/dom.js";
import { fieldOf, FormErrors } from "../ui/form_errors.js";
import { loadPasswordHint } from "../passwords/on_demand.js";
import { PasswordToggle } from "../passwords/password_toggle.js";

/** Asked for when the form is shown: the language is known by then. */
const TEXTS = () => ({
  signIn: {
    title: text("sign_in.title"),
    lead: text("sign_in.lead"),
    submit: text("sign_in.submit"),
    question: text("sign_in.question"),
    otherMode: text("sign_in.to_register"),
  },
  register: {
    title: text("register.title"),
    lead: text("register.lead"),
    submit: text("register.submit"),
    question: text("register.question"),
    otherMode: text("register.to_sign_in"),
  },
});

/** Fields of the server's errors that have a control here. Their ids in index.html are the same. */
const FIELDS = new Set(["username", "password", "invite", "totp"]);

export class SignInView {
  #form = byId("sign-in", HTMLFormElement);
  #password = byId("password", HTMLInputElement);
  #toggle = new PasswordToggle(byId("toggle-password"), this.#password);
  #totp = byId("totp", HTMLInputElement);
  #isRegistering = false;
  #signInQuestion = "";
  #isInviteNeeded = false;
  /** @type {Promise<() => void> | null} null: not needed yet */
  #passwordHint = null;
  #errors;
  #actions;
  #clock;

  /**
   * @param {object} actions each rejects with ApiError if the server refuses
   * @param {(username: string, password: string, totp: string) => Promise<void>} actions.logIn
   * @param {(username: string, password: string, invite: string) => Promise<void>} actions.register
   * @param {() => boolean} actions.wasSignedIn whether the person comes back
   * @param {() => Promise<"open" | "invite" | "closed">} actions.registrationMode who can create an account
   * @param {import("../clock.js").Clock} clock
   */
  constructor(actions, clock) {
    this.#actions = actions;
    this.#clock = clock;
    const submit = byId("sign-in-submit", HTMLButtonElement);
    this.#errors = new FormErrors({ form: this.#form, output: byId("sign-in-error"), submit, clock });
    // The refresh cookie is Secure. Browsers accept it without https from loopback only, which counts as secure.
    if (!isSecureContext && location.protocol === "http:") {
      byId("sign-in-insecure").textContent = text("sign_in.insecure");
      byId("sign-in-insecure").hidden = false;
    }
    byId("switch-mode").addEventListener("click", () => this.#setMode(!this.#isRegistering));
    // A one-time code belongs to one account: never send it with another username.
    byId("username").addEventListener("input", () => this.#askForCode(false));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** @param {string} [notice] why the person has to sign in again */
  show(notice = "") {
    this.#setMode(false);
    this.setNotice(notice);
    this.#form.hidden = false;
    byId("username").focus();
    this.#offerRegistration();
  }

  /**
   * Open the registration with an invite from a link.
   *
   * @param {string} code
   */
  openInvite(code) {
    this.#setMode(true);
    byId("invite", HTMLInputElement).value = code;
    this.#renderInviteHint();
  }

  /**
   * Show a notice without taking the focus: the person may be typing a password.
   *
   * @param {string} notice
   */
  setNotice(notice) {
    byId("sign-in-notice").textContent = notice;
    byId("sign-in-notice").hidden = notice === "";
  }

  hide() {
    this.#form.hidden = true;
    this.#form.reset();
    this.#toggle.hide();
  }

  async #submit() {
    const values = formValues(this.#form);
    const { password } = values;
    const username = trimPasted(values.username);
    this.#errors.clear();
    // Shown here and not in the browser's bubble, which screen readers handle inconsistently.
    if (username === "" || password === "") {
      this.#errors.show(new Error(text("sign_in.empty")));
      return;
    }
    const send = async () => {
      if (this.#isRegistering) {
        await this.#actions.register(username, password, cleanInvite(values.invite));
        // The account exists now: if signing in fails, a second try must not say that the name is taken.
        this.#setMode(false);
      }
      await this.#actions.logIn(username, password, cleanCode(values.totp));
    };
    await this.#errors.submit(send, (error) => this.#onError(error));
  }

  /** @param {Error} error */
  #onError(error) {
    if (error instanceof ApiError && error.code === "second_factor_required") {
      this.#errors.clear(); // not an error: the password was right, and the code is the next question
      this.#askForCode(true);
      return;
    }
    const field = fieldOf(error);
    if (field !== null && FIELDS.has(field)) {
      byId(field).setAttribute("aria-invalid", "true");
      byId(field).focus();
    }
  }

  /** Without an answer, registration is offered: the server refuses it with words. */
  async #offerRegistration() {
    const mode = await this.#actions.registrationMode().catch(() => /** @type {const} */ ("open"));
    const isClosed = mode === "closed";
    if (isClosed && this.#isRegistering) this.#setMode(false);
    this.#signInQuestion = text(isClosed ? "sign_in.closed" : "sign_in.question");
    if (!this.#isRegistering) byId("switch-question").textContent = this.#signInQuestion;
    byId("switch-mode").hidden = isClosed;
    byId("mode-switch").hidden = false;
    this.#isInviteNeeded = mode === "invite";
    this.#renderInviteHint();
  }

  #renderInviteHint() {
    const hint = this.#isInviteNeeded ? "register.invite_needed" : "register.invite_open";
    const isFilled = byId("invite", HTMLInputElement).value !== "";
    byId("invite-hint").textContent = text(isFilled ? "register.invited" : hint);
  }

  async #renderPasswordHint() {
    const username = () => byId("username", HTMLInputElement).value;
    this.#passwordHint ??= loadPasswordHint({ input: this.#password, username, clock: this.#clock });
    (await this.#passwordHint)();
  }

  /** @param {boolean} isAsked */
  #askForCode(isAsked) {
    byId("totp-field").hidden = !isAsked;
    this.#totp.value = "";
    if (isAsked) this.#totp.focus();
  }

  /** @param {boolean} isRegistering */
  #setMode(isRegistering) {
    this.#isRegistering = isRegistering;
    const texts = isRegistering ? TEXTS().register : TEXTS().signIn;
    const isReturning = !isRegistering && this.#actions.wasSignedIn();
    byId("sign-in-title").textContent = isReturning ? text("sign_in.welcome_back") : texts.title;
    byId("sign-in-lead").textContent = texts.lead;
    byId("sign-in-submit").textContent = texts.submit;
    byId("switch-question").textContent = isRegistering ? texts.question : this.#signInQuestion;
    byId("switch-mode").textContent = texts.otherMode;
    byId("sign-in-notice").hidden = true;
    byId("invite-field").hidden = !isRegistering;
    byId("password-hint").hidden = !isRegistering;
    if (isRegistering || this.#passwordHint !== null) void this.#renderPasswordHint();
    this.#password.autocomplete = isRegistering ? "new-password" : "current-password";
    this.#askForCode(false);
    this.#errors.clear();
    byId("username").focus();
  }
}
