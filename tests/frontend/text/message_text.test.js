import assert from "node:assert/strict";
import test from "node:test";

import { cleanDraft, countCharacters, hasVisibleText, isTall } from "../../../frontend/modules/text/message_text.js";

const INVISIBLE = [
  ..." \t\n\r\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u2003\u200b\u200d\u200e\u2028\u2029\u202e\u2060",
  ..."\u2066\u2800\u3000\u3164\ufe0f\ufeff\uffa0\u{1d159}\u{e0001}\u{e007f}\u{e0100}",
];
for (const character of [...INVISIBLE, INVISIBLE.join("")]) {
  test(`is empty: ${JSON.stringify(character)}`, () => {
    assert.equal(hasVisibleText(character), false);
    assert.equal(cleanDraft(`${character}\n${character}`), "");
  });
}
for (const text of ["a", "·", "谢", "ن", "❤\ufe0f", "\u0301", "\u200b-"]) {
  test(`is text: ${JSON.stringify(text)}`, () => assert.equal(hasVisibleText(`\u2800${text}`), true));
}

test("removes blank lines at the ends and keeps those between", () => {
  assert.equal(cleanDraft("\n \n\u200b\n  indented\n\n\nend \n\t\n\u2800\n"), "  indented\n\n\nend");
  assert.equal(cleanDraft("a\r\nb\rc"), "a\nb\nc");
  assert.equal(cleanDraft(`a${"\n".repeat(3_990)}`), "a");
});

test("removes invisible characters that the server would refuse", () => {
  assert.equal(cleanDraft("a\u0007b\tc\nd\u009be"), "ab\tc\nde");
});

test("counts code points", () => assert.equal(countCharacters("a👍🏽"), 3));

test("finds tall messages by lines and by length", () => {
  assert.equal(isTall("a\n".repeat(20)), false);
  assert.equal(isTall(`a${"\n".repeat(3_990)}b`), true);
  assert.equal(isTall("a ".repeat(600)), false);
  assert.equal(isTall("a ".repeat(2_000)), true);
});
