/** The sign-in form, which is also the form that creates an account and the one that asks for the second factor. */

import { ApiError } from "../net/api.js";
import { PASSWORD_RULE } from "../net/protocol.js";
import { cleanCode, cleanInvite, trimPasted } from "../pasted_text.js";
import { text } from "../strings/strings.js";
import { byId, formValues } from "../ui/dom.js";
import { fieldOf, FormErrors } from "../ui/form_errors.js";

/** Asked for when the form is shown: the language is known by then. */
const TEXTS = () => ({
  signIn: {
    title: text("sign_in.title"),
    lead: "Sign in to join the conversation.",
    submit: "Sign in",
    question: "New here?",
    otherMode: "Create an account",
  },
  register: {
    title: "Create your account",
    lead: "Choose the name that others will see.",
    submit: "Create account",
    question: "Have an account?",
    otherMode: "Sign in",
  },
});

const CLOSED_QUESTION = "New here? Ask an administrator for an account.";
const INVITE_HINTS = {
  open: "Leave it empty if you were not given one.",
  invite: "You need one to create an account. Ask an administrator.",
};
const INSECURE_NOTICE =
  "This page is not encrypted (http). Anyone on the network can read your password, and the browser does not keep " +
  "your sign-in: you will be signed out after some minutes, and by every reload. Ask an administrator to set up https.";

/** Fields of the server's errors that have a control here. Their ids in index.html are the same. */
const FIELDS = new Set(["username", "password", "invite", "totp"]);

export class SignInView {
  #form = byId("sign-in", HTMLFormElement);
  #password = byId("password", HTMLInputElement);
  #totp = byId("totp", HTMLInputElement);
  #isRegistering = false;
  #signInQuestion = "";
  #errors;
  #actions;

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
    const submit = byId("sign-in-submit", HTMLButtonElement);
    this.#errors = new FormErrors({ form: this.#form, output: byId("sign-in-error"), submit, clock });
    byId("password-hint").textContent = PASSWORD_RULE;
    // The refresh cookie is Secure. Browsers accept it without https from loopback only, which counts as secure.
    if (!isSecureContext && location.protocol === "http:") {
      byId("sign-in-insecure").textContent = INSECURE_NOTICE;
      byId("sign-in-insecure").hidden = false;
    }
    byId("switch-mode").addEventListener("click", () => this.#setMode(!this.#isRegistering));
    // A one-time code belongs to one account: never send it with another username.
    byId("username").addEventListener("input", () => this.#askForCode(false));
    byId("toggle-password").addEventListener("click", () => this.#showPassword(this.#password.type === "password"));
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
    this.#showPassword(false);
  }

  async #submit() {
    const values = formValues(this.#form);
    const { password } = values;
    const username = trimPasted(values.username);
    this.#errors.clear();
    // Shown here and not in the browser's bubble, which screen readers handle inconsistently.
    if (username === "" || password === "") {
      this.#errors.show(new Error("Enter your username and your password."));
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
    this.#signInQuestion = isClosed ? CLOSED_QUESTION : TEXTS().signIn.question;
    if (!this.#isRegistering) byId("switch-question").textContent = this.#signInQuestion;
    byId("switch-mode").hidden = isClosed;
    byId("mode-switch").hidden = false;
    if (!isClosed) byId("invite-hint").textContent = INVITE_HINTS[mode];
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
    this.#password.autocomplete = isRegistering ? "new-password" : "current-password";
    this.#askForCode(false);
    this.#errors.clear();
    byId("username").focus();
  }

  /** @param {boolean} isVisible */
  #showPassword(isVisible) {
    this.#password.type = isVisible ? "text" : "password";
    byId("toggle-password").textContent = isVisible ? "Hide" : "Show";
    byId("toggle-password").setAttribute("aria-pressed", String(isVisible));
  }
}
