/** The second factor: set up in three steps (password, code, recovery codes), or taken away again. */

import { element } from "../dom.js";
import { createForm } from "./form.js";
import { focusHeading } from "./heading.js";
import { drawQrCode } from "./qr_code.js";
import { copyButton, shownOnce } from "./shown_once.js";

const CODE = { class: "code", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", required: true };
const PASSWORD = { name: "password", label: "Your password", attributes: { type: "password", autocomplete: "current-password", required: true } };

/** @param {import("./settings.js").Desk} desk */
export function secondFactorSection(desk) {
  const place = element("div", { class: "steps" });
  start(place, desk);
  return [place];
}

function start(place, desk) {
  if (desk.session.user.totp_enabled) return place.replaceChildren(...enabled(place, desk));
  const { session, clock, call } = desk;
  const form = createForm({
    label: "Set up a second factor",
    clock,
    username: session.user.name,
    fields: [PASSWORD],
    submit: "Set it up",
    run: async (body) => confirm(place, desk, await call("POST", "/api/auth/totp/setup", body)),
  });
  const demanded = "This server asks a second factor of its administrators. Set it up to get to the administration.";
  place.replaceChildren(
    session.user.must_set_up_totp ? element("p", { class: "notice" }, demanded) : "",
    element("p", { class: "quiet" }, "With a second factor, signing in takes your password and a code from an app on your phone. A stolen password alone is worth nothing then."),
    form,
  );
}

/** @param {{secret: string, uri: string, qr: string[]}} setup */
function confirm(place, desk, { secret, uri, qr }) {
  const spelled = element("code", { "data-testid": "totp-secret" }, secret.replace(/.{4}(?=.)/gu, "$& "));
  const note = element("p", { class: "advice", role: "status" });
  const form = createForm({
    label: "Confirm the code",
    clock: desk.clock,
    fields: [{ name: "code", label: "Code", advice: "Six digits that the app shows now.", attributes: { ...CODE, inputmode: "numeric", maxlength: "12" } }],
    submit: "Confirm",
    async run({ code }) {
      const { recovery_codes: codes } = await desk.call("POST", "/api/auth/totp/confirm", { code: code.replace(/\s/gu, "") });
      keep(place, desk, codes);
      await changed(desk, true);
    },
  });
  place.replaceChildren(
    element("p", {}, "Scan this with an authenticator app, then type the code that it shows."),
    element("div", { class: "scan" }, drawQrCode(qr, "QR code for the authenticator app"),
      element("div", {},
        element("p", { class: "advice" }, "No camera? Open ", element("a", { href: uri }, "this link"), " on the device, or type this key into the app:"),
        element("p", { class: "secret" }, spelled),
        element("div", { class: "buttons" }, copyButton(secret, spelled, note)),
        note)),
    form,
  );
  form.elements.namedItem("code").focus();
}

/** @param {string[]} codes */
function keep(place, desk, codes) {
  const box = shownOnce({
    title: "Keep your recovery codes",
    lead: "Your second factor is on, and your other devices were signed out. Should you lose the app, each of these codes signs you in once. They are shown only now: print them, or put them where your passwords are.",
    lines: codes,
    done: "I have kept them",
    onDone: () => start(place, desk),
  });
  place.replaceChildren(box);
  box.focus();
}

function enabled(place, desk) {
  const form = createForm({
    label: "Turn the second factor off",
    clock: desk.clock,
    username: desk.session.user.name,
    fields: [PASSWORD, { name: "totp", label: "Code", advice: "From your app, or a recovery code.", attributes: { ...CODE, maxlength: "64" } }],
    submit: "Turn it off",
    async run({ password, totp }) {
      await desk.call("POST", "/api/auth/totp/disable", { password, totp: totp.trim() });
      await changed(desk, false);
      if (!place.isConnected) return; // closed meanwhile, perhaps by signing out
      start(place, desk);
      focusHeading();
    },
  });
  const off = element("details", {}, element("summary", {}, "Turn it off"), form);
  return [
    element("p", { class: "notice good" }, "Your second factor is on. Signing in asks for a code from your app."),
    element("p", { class: "quiet" }, "Another phone, or out of recovery codes? Turn it off and set it up again."),
    off,
  ];
}

/** Whoever is quick must not be told the old state; what else the account may do now, a refresh tells. */
async function changed({ session }, enabled) {
  if (session.user === null) return; // signed out meanwhile
  session.user.totp_enabled = enabled;
  await session.refresh().catch(() => {});
}
