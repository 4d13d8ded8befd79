/** The second factor: set up in three steps (password, code, recovery codes), or turned off. */

import { cleanCode } from "../pasted_text.js";
import { text, textWith } from "../strings/strings.js";
import { element, formControl } from "../ui/dom.js";
import { createForm } from "../ui/form.js";
import { copyButton, renderOneTimeSecret } from "./one_time_secret.js";
import { renderQrCode } from "./qr_code.js";
import { focusSectionHeading } from "./section_heading.js";

/** @typedef {import("./settings_dialog.js").SettingsContext} SettingsContext */
/** @typedef {{secret: string, uri: string, qr: string[]}} TotpSetup */

const CODE_ATTRIBUTES = {
  class: "code",
  autocomplete: "one-time-code",
  autocapitalize: "none",
  spellcheck: "false",
  required: true,
};
const passwordField = () => ({
  name: "password",
  label: text("step_up.password"),
  attributes: { type: "password", autocomplete: "current-password", required: true },
});

/**
 * @param {SettingsContext} context
 * @returns {Node[]}
 */
export function secondFactorSection(context) {
  const node = element("div", { class: "setup-steps" });
  showState(node, context);
  return [node];
}

/**
 * @param {HTMLElement} node
 * @param {SettingsContext} context
 */
function showState(node, context) {
  node.replaceChildren(
    ...(context.session.user?.totp_enabled ? renderEnabled(node, context) : renderDisabled(node, context)),
  );
}

/**
 * Step 1: the password.
 *
 * @param {HTMLElement} node
 * @param {SettingsContext} context
 * @returns {Node[]}
 */
function renderDisabled(node, context) {
  const { session, clock, request } = context;
  const form = createForm({
    label: text("totp.set_up_form"),
    clock,
    username: session.user?.name,
    fields: [passwordField()],
    submit: text("totp.set_up"),
    send: async (body) => showConfirmation(node, context, await request("POST", "/api/auth/totp/setup", body)),
  });
  return [
    ...(session.user?.must_set_up_totp ? [element("p", { class: "notice" }, text("totp.required"))] : []),
    element("p", { class: "subtle" }, text("totp.lead")),
    form,
  ];
}

/**
 * Step 2: the first code.
 *
 * @param {HTMLElement} node
 * @param {SettingsContext} context
 * @param {TotpSetup} setup
 */
function showConfirmation(node, context, { secret, uri, qr }) {
  const key = element("code", { "data-testid": "totp-secret" }, secret.replace(/.{4}(?=.)/gu, "$& "));
  const note = element("p", { class: "hint", role: "status" });
  const form = createForm({
    label: text("totp.confirm_form"),
    clock: context.clock,
    fields: [
      {
        name: "code",
        label: text("totp.code"),
        hint: text("totp.code_hint"),
        clean: cleanCode,
        attributes: { ...CODE_ATTRIBUTES, inputmode: "numeric", maxlength: "64" },
      },
    ],
    submit: text("totp.confirm"),
    async send({ code }) {
      const { recovery_codes: codes } = await context.request("POST", "/api/auth/totp/confirm", { code });
      showRecoveryCodes(node, context, codes);
      await updateUser(context, true);
    },
  });
  node.replaceChildren(
    element("p", {}, text("totp.scan")),
    element(
      "div",
      { class: "qr-setup" },
      renderQrCode(qr, text("totp.qr")),
      element(
        "div",
        {},
        element(
          "p",
          { class: "hint" },
          ...textWith("totp.by_hand", { link: element("a", { href: uri }, text("totp.link")) }),
        ),
        element("p", { class: "secret-value" }, key),
        element("div", { class: "buttons" }, copyButton(secret, key, note)),
        note,
      ),
    ),
    form,
  );
  formControl(form, "code").focus();
}

/**
 * Step 3: the recovery codes.
 *
 * @param {HTMLElement} node
 * @param {SettingsContext} context
 * @param {string[]} codes
 */
function showRecoveryCodes(node, context, codes) {
  const box = renderOneTimeSecret({
    title: text("totp.recovery_title"),
    lead: text("totp.recovery_lead"),
    lines: codes,
    done: text("totp.saved"),
    onDone: () => showState(node, context),
  });
  node.replaceChildren(box);
  box.focus();
}

/**
 * @param {HTMLElement} node
 * @param {SettingsContext} context
 * @returns {Node[]}
 */
function renderEnabled(node, context) {
  const form = createForm({
    label: text("totp.turn_off_form"),
    clock: context.clock,
    username: context.session.user?.name,
    fields: [
      passwordField(),
      {
        name: "totp",
        label: text("totp.code"),
        hint: text("sign_in.code_hint"),
        clean: cleanCode,
        attributes: { ...CODE_ATTRIBUTES, maxlength: "64" },
      },
    ],
    submit: text("totp.turn_off"),
    async send({ password, totp }) {
      await context.request("POST", "/api/auth/totp/disable", { password, totp });
      await updateUser(context, false);
      if (!node.isConnected) return; // the settings were closed meanwhile, perhaps by signing out
      showState(node, context);
      focusSectionHeading();
    },
  });
  return [
    element("p", { class: "notice good" }, text("totp.on")),
    element("p", { class: "subtle" }, text("totp.renew")),
    element("details", {}, element("summary", {}, text("totp.turn_off_form")), form),
  ];
}

/**
 * Update the user at once, so that the section shows the new state; the refresh brings what else has changed for the
 * account.
 *
 * @param {SettingsContext} context
 * @param {boolean} isEnabled
 */
async function updateUser({ session }, isEnabled) {
  if (session.user === null) return; // signed out meanwhile
  session.user.totp_enabled = isEnabled;
  await session.refresh().catch(() => {});
}
