import assert from "node:assert/strict";
import test from "node:test";

import { de } from "../../../frontend/modules/strings/de.js";
import { en } from "../../../frontend/modules/strings/en.js";
import { text, useLanguage } from "../../../frontend/modules/strings/strings.js";

const placeholders = (value) => [...JSON.stringify(value).matchAll(/\{(\w+)\}/gu)].map(([, name]) => name).sort();

test("every language has the same texts with the same placeholders", () => {
  assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort());
  for (const [key, value] of Object.entries(en)) {
    assert.equal(typeof de[key], typeof value, key);
    assert.deepEqual(new Set(placeholders(de[key])), new Set(placeholders(value)), key);
  }
});

test("uses the first language that the page has", async () => {
  assert.equal(await useLanguage(["fr", "de-AT", "en"]), "de");
  assert.equal(text("browse.members", { count: 1 }), "1 Mitglied");
  assert.equal(text("browse.members", { count: 5 }), "5 Mitglieder");
  assert.equal(await useLanguage(["fr"]), "en");
  assert.equal(text("browse.members", { count: 1 }), "1 member");
});
