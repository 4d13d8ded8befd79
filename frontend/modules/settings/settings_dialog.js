/**
 * The settings: a dialog above the chat that shows one section at a time. Everyone sees the sections of their own
 * account; administrators also see the administration.
 *
 * @typedef {object} SettingsContext what every section works with
 * @property {import("../net/http/authenticated_api.js").AuthenticatedRequest} request
 * @property {import("../net/http/download.js").Download} download
 * @property {import("../net/session/session.js").Session} session
 * @property {import("../clock.js").Clock} clock
 * @property {import("../appearance.js").Appearance} appearance
 * @property {import("../notifications/notification_settings.js").NotificationSettings} notifications
 *
 * @typedef {(context: SettingsContext) => (Node | string)[]} RenderSection
 * @typedef {"users" | "rooms" | "invites" | "tokens" | "audit"} AdministrationId
 * @typedef {() => Promise<Record<AdministrationId, RenderSection>>} LoadAdministration
 *
 * @typedef {object} Section
 * @property {string} id
 * @property {string} label
 * @property {RenderSection | AdministrationId} content a function, or what is loaded when it is opened
 */

import { account as accountTexts } from "../strings/en/account.js";
import { administration as administrationTexts } from "../strings/en/administration.js";
import { addEnglish, text } from "../strings/strings.js";
import { button, byId, element, restoreCaret } from "../ui/dom.js";
import { closeLayer, openLayer } from "../ui/layers.js";
import { interceptEscape } from "../ui/modal.js";
import { appearanceSection } from "./appearance_section.js";
import { notificationsSection } from "./notifications_section.js";
import { passwordSection } from "./password_section.js";
import { secondFactorSection } from "./second_factor_section.js";
import { leaveSecrets } from "./one_time_secret.js";
import { focusSectionHeading, renderSectionHeading } from "./section_heading.js";
import { sessionsSection } from "./sessions_section.js";
import { createStepUpRequest } from "./step_up.js";

addEnglish({ ...accountTexts, ...administrationTexts });

const ADMINISTRATION = /** @type {const} */ (["users", "rooms", "invites", "tokens", "audit"]);

/** @returns {Section[]} */
const accountSections = () => [
  { id: "password", label: text("password.title"), content: passwordSection },
  { id: "second-factor", label: text("totp.title"), content: secondFactorSection },
  { id: "sessions", label: text("sessions.title"), content: sessionsSection },
  { id: "appearance", label: text("appearance.title"), content: appearanceSection },
  { id: "notifications", label: text("notifications.title"), content: notificationsSection },
];
/** @returns {Section[]} */
const administrationSections = () => ADMINISTRATION.map((id) => ({ id, label: text(`${id}.title`), content: id }));

export class SettingsDialog {
  #dialog = byId("settings", HTMLDialogElement);
  #nav = byId("settings-nav");
  #body = byId("settings-body");
  #context;
  #loadAdministration;
  #currentId = "";

  /**
   * @param {SettingsContext} context
   * @param {LoadAdministration} loadAdministration
   */
  constructor(context, loadAdministration) {
    this.#context = { ...context, request: createStepUpRequest(context) };
    this.#loadAdministration = loadAdministration;
    byId("settings-close").addEventListener("click", () => this.#leave(this.#close));
    interceptEscape(this.#dialog, () => this.#leave(this.#close));
    // Escape closes it too: a password or a secret must not stay in the closed dialog.
    this.#dialog.addEventListener("close", () => {
      closeLayer(this.#close);
      this.#body.replaceChildren();
      restoreCaret();
    });
  }

  /** @param {string} [id] of the section */
  open(id = "password") {
    if (!this.#dialog.open) {
      this.#dialog.showModal();
      openLayer(this.#close, this.#onBack);
    }
    this.#show(id);
  }

  /** Close without a question, for example because the session ended. */
  close() {
    this.#dialog.close();
  }

  /** The user's role or second factor may have changed: update the list of sections, keep the open one. */
  userChanged() {
    if (!this.#dialog.open) return;
    // Only if it differs: rendering again takes the focus from a keyboard user.
    if (this.#groups().length !== this.#nav.childElementCount) this.#renderNav();
  }

  #close = () => this.close();

  /** Back has left the dialog's entry of the history. If the dialog stays open, it needs one again. */
  #onBack = () => {
    this.#leave(this.#close);
    if (this.#dialog.open) openLayer(this.#close, this.#onBack);
  };

  /** @param {() => void} leave removes what the dialog shows */
  #leave(leave) {
    leaveSecrets(this.#body, leave);
  }

  /** @returns {{title: string, sections: Section[]}[]} */
  #groups() {
    const account = { title: text("settings.account"), sections: accountSections() };
    return this.#mayAdminister()
      ? [account, { title: text("settings.administration"), sections: administrationSections() }]
      : [account];
  }

  /** Decides only what is shown: the server checks every request. */
  #mayAdminister() {
    const { user } = this.#context.session;
    return user?.role === "admin" && !user.must_change_password && !user.must_set_up_totp;
  }

  /** @param {string} id */
  #show(id) {
    const sections = this.#groups().flatMap((group) => group.sections);
    const section = sections.find((candidate) => candidate.id === id) ?? sections[0];
    this.#currentId = section.id;
    this.#renderNav();
    const heading = renderSectionHeading(section.label);
    this.#body.replaceChildren(heading);
    this.#body.scrollTop = 0;
    focusSectionHeading();
    if (typeof section.content === "function") this.#body.append(...section.content(this.#context));
    else void this.#showAdministration(section.content, heading);
  }

  /**
   * @param {AdministrationId} id
   * @param {HTMLElement} heading of the section; it is gone if another section was opened meanwhile
   */
  async #showAdministration(id, heading) {
    const sections = await this.#loadAdministration().catch(() => null);
    if (!heading.isConnected) return;
    if (sections !== null) this.#body.append(...sections[id](this.#context));
    else this.#body.append(element("p", { class: "error", role: "alert" }, text("on_demand.lead")));
  }

  #renderNav() {
    const groups = this.#groups().map(({ title, sections }) =>
      element(
        "div",
        { role: "group", "aria-label": title },
        element("p", { class: "hint", "aria-hidden": "true" }, title),
        ...sections.map(({ id, label }) =>
          button(label, () => this.#leave(() => this.#show(id)), {
            "aria-current": id === this.#currentId ? "page" : null,
          }),
        ),
      ),
    );
    this.#nav.replaceChildren(...groups);
    this.#nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }
}
