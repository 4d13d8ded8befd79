/**
 * The settings: a dialog above the chat, one section at a time. One's own account for everybody, the
 * administration for whom the server lets in.
 *
 * @typedef {object} Desk what every section works with
 * @property {ReturnType<typeof import("./calls.js").createCalls>} call
 * @property {import("../session.js").Session} session
 * @property {import("../clock.js").Clock} clock
 *
 * @typedef {{id: string, label: string, draw(desk: Desk): (Node | string)[]}} Section
 */

import { button, byId, element } from "../dom.js";
import { auditSection } from "./audit_section.js";
import { drawHeading, focusHeading } from "./heading.js";
import { invitesSection } from "./invites_section.js";
import { passwordSection } from "./password_section.js";
import { secondFactorSection } from "./second_factor_section.js";
import { sessionsSection } from "./sessions_section.js";
import { tokensSection } from "./tokens_section.js";
import { usersSection } from "./users_section.js";

/** @type {Section[]} */
const ACCOUNT = [
  { id: "password", label: "Password", draw: passwordSection },
  { id: "second-factor", label: "Second factor", draw: secondFactorSection },
  { id: "sessions", label: "Sessions", draw: sessionsSection },
];
/** @type {Section[]} */
const ADMINISTRATION = [
  { id: "users", label: "Users", draw: usersSection },
  { id: "invites", label: "Invites", draw: invitesSection },
  { id: "tokens", label: "API tokens", draw: tokensSection },
  { id: "audit", label: "Audit log", draw: auditSection },
];

export class Settings {
  #dialog = byId("settings");
  #desk;
  #current = "";

  /** @param {Desk} desk */
  constructor(desk) {
    this.#desk = desk;
    byId("settings-close").addEventListener("click", () => this.close());
    // Also by Escape: a password or a secret must not wait behind a closed door.
    this.#dialog.addEventListener("close", () => byId("settings-body").replaceChildren());
  }

  /** @param {string} [id] of the section */
  open(id = "password") {
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#show(id);
  }

  close() {
    this.#dialog.close();
  }

  /** The user's role or second factor may have changed: what can be chosen follows, what is open stays. */
  userChanged() {
    if (!this.#dialog.open) return;
    const shown = byId("settings-nav").childElementCount;
    // Only then: drawing anew takes the focus from whoever is walking through it.
    if (this.#groups().length !== shown) this.#drawNav();
  }

  #groups() {
    // The server decides again on every request; here it is about not showing doors that are locked.
    const { role, must_change_password: newcomer, must_set_up_totp: unproved } = this.#desk.session.user;
    const administers = role === "admin" && !newcomer && !unproved;
    return [["Your account", ACCOUNT], ...(administers ? [["Administration", ADMINISTRATION]] : [])];
  }

  #show(id) {
    const sections = this.#groups().flatMap(([, group]) => group);
    const section = sections.find((each) => each.id === id) ?? sections[0];
    this.#current = section.id;
    this.#drawNav();
    byId("settings-body").replaceChildren(drawHeading(section.label), ...section.draw(this.#desk));
    byId("settings-body").scrollTop = 0;
    focusHeading();
  }

  #drawNav() {
    const groups = this.#groups().map(([title, sections]) => element("div", { role: "group", "aria-label": title },
      element("p", { class: "advice", "aria-hidden": "true" }, title),
      ...sections.map(({ id, label }) =>
        button(label, () => this.#show(id), id === this.#current ? { "aria-current": "page" } : {}))));
    byId("settings-nav").replaceChildren(...groups);
    byId("settings-nav").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }
}
