/** The second factor: set up in three steps (password, code, recovery codes), or turned off. */

import { cleanCode } from "../pasted_text.js";
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
const PASSWORD_FIELD = {
  name: "password",
  label: "Your password",
  attributes: { type: "password", autocomplete: "current-password", required: true },
};

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
    label: "Set up a second factor",
    clock,
    username: session.user?.name,
    fields: [PASSWORD_FIELD],
    submit: "Set up",
    send: async (body) => showConfirmation(node, context, await request("POST", "/api/auth/totp/setup", body)),
  });
  const required = "This server requires a second factor for administrators. Set it up to use the administration.";
  return [
    ...(session.user?.must_set_up_totp ? [element("p", { class: "notice" }, required)] : []),
    element(
      "p",
      { class: "subtle" },
      "With a second factor, you sign in with your password and a code from an app on your phone. A stolen password alone is then useless.",
    ),
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
    label: "Confirm the code",
    clock: context.clock,
    fields: [
      {
        name: "code",
        label: "Code",
        hint: "The six digits that the app shows now.",
        clean: cleanCode,
        attributes: { ...CODE_ATTRIBUTES, inputmode: "numeric", maxlength: "64" },
      },
    ],
    submit: "Confirm",
    async send({ code }) {
      const { recovery_codes: codes } = await context.request("POST", "/api/auth/totp/confirm", { code });
      showRecoveryCodes(node, context, codes);
      await updateUser(context, true);
    },
  });
  node.replaceChildren(
    element("p", {}, "Scan the QR code with an authenticator app, then enter the code that the app shows."),
    element(
      "div",
      { class: "qr-setup" },
      renderQrCode(qr, "QR code for the authenticator app"),
      element(
        "div",
        {},
        element(
          "p",
          { class: "hint" },
          "No camera? Open ",
          element("a", { href: uri }, "this link"),
          " on the device, or enter this key in the app:",
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
    title: "Save your recovery codes",
    lead: "Your second factor is on, and your other devices were signed out. If you lose the app, you can sign in once with each of these codes. They are shown only once: print them, or save them in your password manager.",
    lines: codes,
    done: "I have saved them",
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
    label: "Turn off the second factor",
    clock: context.clock,
    username: context.session.user?.name,
    fields: [
      PASSWORD_FIELD,
      {
        name: "totp",
        label: "Code",
        hint: "From your authenticator app. You can also use a recovery code.",
        clean: cleanCode,
        attributes: { ...CODE_ATTRIBUTES, maxlength: "64" },
      },
    ],
    submit: "Turn off",
    async send({ password, totp }) {
      await context.request("POST", "/api/auth/totp/disable", { password, totp });
      await updateUser(context, false);
      if (!node.isConnected) return; // the settings were closed meanwhile, perhaps by signing out
      showState(node, context);
      focusSectionHeading();
    },
  });
  return [
    element("p", { class: "notice good" }, "Your second factor is on. Signing in asks for a code from your app."),
    element(
      "p",
      { class: "subtle" },
      "If you have a new phone or no recovery codes left, turn it off and set it up again.",
    ),
    element("details", {}, element("summary", {}, "Turn off the second factor"), form),
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
