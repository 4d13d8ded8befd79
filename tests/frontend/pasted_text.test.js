import assert from "node:assert/strict";
import test from "node:test";

import { cleanCode, cleanToken, trimPasted } from "../../frontend/modules/pasted_text.js";
import { countSteps } from "./support/steps.js";

for (const blank of [..." \t\n\u00a0\u2003\u202f\u200b\u200e\u2060\u3000\ufeff\u00ad", " \u200b\n"]) {
  test(`removes ${JSON.stringify(blank)} where it is pasted by accident`, () => {
    assert.equal(trimPasted(`${blank}ada${blank}${blank}`), "ada");
    assert.equal(trimPasted(blank), "");
    assert.equal(cleanToken(`${blank}AbC-_${blank}9${blank}`), "AbC-_9");
    assert.equal(cleanCode(`${blank}123${blank}456${blank}`), "123456");
  });
}

test("keeps blanks inside a name, which the server refuses with words", () => {
  assert.equal(trimPasted(" ada  b "), "ada  b");
});

const CODES = {
  "123-456": "123456",
  "123–456": "123456",
  "123\u2212456": "123456",
  "１２３４５６": "123456",
  "１２３－４５６": "123456",
  "٠١٢٣٤٩": "012349",
  "۰۱۲۳۴۹": "012349",
  "०१२३४९": "012349",
  "๐๑๒๓๔๙": "012349",
  "abcde-fghij-kmnpq": "abcdefghijkmnpq",
  "": "",
};
for (const [code, expected] of Object.entries(CODES)) {
  test(`reads the code ${JSON.stringify(code)} as ${expected}`, () => assert.equal(cleanCode(code), expected));
}

test("restores the hyphens of a token", () => assert.equal(cleanToken("a\u2011b‐c"), "a-b-c"));

test("takes steps that are linear to the length", () => {
  const text = `a${" ".repeat(30_000)}b${" ".repeat(30_000)}`;
  const steps = countSteps(() => assert.equal(trimPasted(text), text.trimEnd()));
  assert.ok(steps <= 3 * text.length, `${steps}`);
});
