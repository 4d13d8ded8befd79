import assert from "node:assert/strict";
import test from "node:test";

import { highlightedParts } from "../../../frontend/modules/search/highlighted_text.js";

const shown = (text, highlights) =>
  highlightedParts(text, highlights)
    .map(({ text: part, isMatch }) => (isMatch ? `[${part}]` : part))
    .join("");

test("marks the matches", () => {
  assert.equal(shown("a Café and a cafe", [[2, 6], [13, 17]]), "a [Café] and a [cafe]"); // prettier-ignore
  assert.equal(shown("all", [[0, 3]]), "[all]");
  assert.equal(shown("nothing", []), "nothing");
  assert.equal(shown("", []), "");
});

test("counts code points, as the server does", () => {
  assert.equal(shown("👩‍🚀🚀 go 𝒳 go", [[5, 7], [10, 12]]), "👩‍🚀🚀 [go] 𝒳 [go]"); // prettier-ignore
});

test("joins matches that overlap or lie outside of the text", () => {
  assert.equal(shown("abcdef", [[0, 3], [3, 5], [5, 99]]), "[abc][de][f]"); // prettier-ignore
});

test("cuts a long text around the first match, at the beginning of a word", () => {
  const before = "word ".repeat(100);
  const result = shown(`${before}needle${" more".repeat(100)}`, [[500, 506]]);
  assert.ok(result.startsWith("…word word "), result);
  assert.ok(result.includes(" [needle] more"), result);
  assert.ok(result.endsWith("…"), result);
  assert.ok(Array.from(result).length <= 284, result);
});

test("keeps the beginning of a long text whose match is near it, and the end of one whose match is there", () => {
  const long = "x".repeat(400);
  assert.ok(shown(`needle ${long}`, [[0, 6]]).startsWith("[needle] xxx"));
  assert.ok(shown(`${long} needle`, [[401, 407]]).endsWith(" [needle]"));
  assert.ok(shown(long, [[0, 400]]).startsWith("[xxx"));
});
