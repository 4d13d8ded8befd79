/** The way in: sign in, register, and choosing a password when the server demands it. */

import { byId } from "./dom.js";
import { explain } from "./refusal.js";

const WORDS = {
  signIn: {
    title: "Welcome back",
    lead: "Sign in to join the conversation.",
    submit: "Sign in",
    question: "New here?",
    other: "Create an account",
  },
  register: {
    title: "Create your account",
    lead: "Pick a name that others will see.",
    submit: "Create account",
    question: "Have an account?",
    other: "Sign in",
  },
};

export class EntranceView {
  #form = byId("sign-in");
  #error = byId("sign-in-error");
  #registering = false;
  #refusal;
  #actions;

  /**
   * @param {object} actions each does its work and rejects with ApiError when the server refuses
   * @param {(name: string, password: string, totp: string) => Promise<void>} actions.logIn
   * @param {(name: string, password: string, invite: string) => Promise<void>} actions.register
   * @param {import("./clock.js").Clock} clock
   */
  constructor(actions, clock) {
    this.#actions = actions;
    this.#refusal = explain(this.#error, byId("sign-in-submit"), clock);
    byId("switch").addEventListener("click", () => this.#mode(!this.#registering));
    // A code belongs to one account: for another name it must not be sent.
    byId("username").addEventListener("input", () => this.#askCode(false));
    byId("reveal").addEventListener("click", () => this.#reveal(byId("password").type === "password"));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** @param {string} [notice] why the person is here again */
  show(notice = "") {
    this.#mode(false);
    this.notice(notice);
    this.#form.hidden = false;
    byId("username").focus();
  }

  /** Says something beside what the person is doing, who may be typing a password. @param {string} text */
  notice(text) {
    byId("sign-in-notice").textContent = text;
    byId("sign-in-notice").hidden = text === "";
  }

  hide() {
    this.#form.hidden = true;
    this.#form.reset();
    this.#reveal(false);
  }

  async #submit() {
    const { username, password, invite, totp } = Object.fromEntries(new FormData(this.#form));
    this.#refusal.clear();
    // Said here rather than by the browser's bubble, which screen readers treat unevenly.
    if (username === "" || password === "") return this.#refusal.show(new Error("Enter your username and your password."));
    const work = async () => {
      if (this.#registering) {
        await this.#actions.register(username, password, invite);
        // The account is there: should signing in fail now, trying again must not say that the name is taken.
        this.#mode(false);
      }
      await this.#actions.logIn(username, password, totp.trim());
    };
    await this.#refusal.during(work, (error) => this.#refused(error));
  }

  /** @param {import("./api.js").ApiError} error */
  #refused(error) {
    if (error.code === "second_factor_required") {
      this.#refusal.clear(); // nothing went wrong: the password was right, and this is the next question
      return this.#askCode(true);
    }
    const invite = this.#registering && error.status === 403 ? "invite" : undefined;
    const about = { username: "username", password: "password", invite: "invite", totp: "totp" }[error.field] ?? invite;
    if (about !== undefined) {
      byId(about).setAttribute("aria-invalid", "true");
      byId(about).focus();
    }
  }

  #askCode(asked) {
    byId("totp-field").hidden = !asked;
    byId("totp").value = "";
    if (asked) byId("totp").focus();
  }

  #mode(registering) {
    this.#registering = registering;
    const words = registering ? WORDS.register : WORDS.signIn;
    byId("sign-in-title").textContent = words.title;
    byId("sign-in-lead").textContent = words.lead;
    byId("sign-in-submit").textContent = words.submit;
    byId("switch-question").textContent = words.question;
    byId("switch").textContent = words.other;
    byId("sign-in-notice").hidden = true;
    byId("invite-field").hidden = !registering;
    byId("password-advice").hidden = !registering;
    byId("password").autocomplete = registering ? "new-password" : "current-password";
    this.#askCode(false);
    this.#refusal.clear();
    byId("username").focus();
  }

  #reveal(shown) {
    byId("password").type = shown ? "text" : "password";
    byId("reveal").textContent = shown ? "Hide" : "Show";
    byId("reveal").setAttribute("aria-pressed", String(shown));
  }
}
