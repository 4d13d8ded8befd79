import assert from "node:assert/strict";
import test from "node:test";

import { serverErrorText } from "../../../frontend/modules/error_text.js";
import { account } from "../../../frontend/modules/strings/en/account.js";
import { administration } from "../../../frontend/modules/strings/en/administration.js";
import { en as first } from "../../../frontend/modules/strings/en/index.js";
import {
  addEnglish,
  LANGUAGES,
  pageLocale,
  text,
  textWith,
  useLanguage,
} from "../../../frontend/modules/strings/strings.js";

const en = { ...first, ...account, ...administration };
addEnglish({ ...account, ...administration });

const placeholders = (value) => [...JSON.stringify(value).matchAll(/\{(\w+)\}/gu)].map(([, name]) => name).sort();

for (const [tag, { load }] of Object.entries(LANGUAGES)) {
  test(`${tag} has the same texts as English, with the same placeholders`, async () => {
    const texts = await load();
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(en).sort());
    for (const [key, value] of Object.entries(en)) {
      assert.equal(typeof texts[key], typeof value, key);
      // A text for one language may say in its own words what the server says in English.
      if (!key.startsWith("error.")) {
        assert.deepEqual(new Set(placeholders(texts[key])), new Set(placeholders(value)), key);
      }
    }
  });
}

const SAME_IN_GERMAN = new Set(
  ["online", "offline", "Emoji", "Smileys", "Moderator", "Name", "Code", "Administrator", "Token"].map((word) =>
    JSON.stringify(word),
  ),
);

test("every text is translated, except words that are the same in both languages", async () => {
  const de = await LANGUAGES.de.load();
  const same = Object.keys(en).filter((key) => {
    const [english, german] = [en[key], de[key]].map((value) => JSON.stringify(value));
    return english === german && /\p{L}{4,}/u.test(english.replaceAll(/\{\w+\}/gu, ""));
  });
  assert.deepEqual(new Set(same.map((key) => JSON.stringify(en[key]))), SAME_IN_GERMAN);
});

test("uses the first language that the page has", async () => {
  assert.equal(await useLanguage(["fr", "de-AT", "en"]), "de");
  assert.equal(pageLocale(), "de-AT");
  assert.equal(text("browse.members", { count: 1 }), "1 Mitglied");
  assert.equal(text("browse.members", { count: 5 }), "5 Mitglieder");
  assert.equal(await useLanguage(["fr", "frisian"]), "en");
  assert.equal(text("browse.members", { count: 1 }), "1 member");
});

test("takes the region of a chosen language from the browser", async () => {
  await useLanguage(["en", "de-DE", "en-GB"]);
  assert.equal(pageLocale(), "en-GB");
  await useLanguage(["de", "en-GB"]);
  assert.equal(pageLocale(), "de");
});

test("puts elements into a text", async () => {
  await useLanguage(["en"]);
  const link = { tag: "a" };
  assert.deepEqual(textWith("totp.by_hand", { link }), [
    "No camera? Open ",
    link,
    " on the device, or enter this key in the app:",
  ]);
});

test("shows the server's words in English, and a text for the code in other languages", async () => {
  const taken = { code: "conflict", field: "username", message: "this name is taken" };
  const vague = { code: "conflict", message: "this is the last administrator" };
  await useLanguage(["en"]);
  assert.equal(serverErrorText(taken), "This name is taken.");
  assert.equal(serverErrorText({}), null);
  assert.equal(serverErrorText({ code: "unavailable" }), "The server cannot do this at the moment. Try again soon.");
  await useLanguage(["de"]);
  assert.equal(serverErrorText(taken), "Dieser Benutzername ist vergeben.");
  assert.equal(serverErrorText(vague), "Das geht zurzeit nicht. Der Server meldet: This is the last administrator.");
  assert.equal(serverErrorText({ code: "new", message: "what is new" }), "What is new.");
  assert.equal(serverErrorText({}), null);
});
