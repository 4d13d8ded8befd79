import assert from "node:assert/strict";
import test from "node:test";

import { splitLinks } from "../../../frontend/modules/text/links.js";
import { countSteps } from "../support/steps.js";

function partsOf(text) {
  const parts = splitLinks(text);
  assert.equal(parts.map((part) => part.text).join(""), text);
  return parts.filter(({ href }) => href !== null);
}

function linksIn(text) {
  return partsOf(text).map(({ href }) => href);
}

/** The text, and the link as it is written in it. */
const ENDS = [
  ["see https://example.org/a?b=c#d now", "https://example.org/a?b=c#d"],
  ["(https://example.org/x).", "https://example.org/x"],
  // Closing punctuation of any script, with and without a path, and with text right behind it.
  ..."。、」』）】！？，；：…》〉〕”’»›؟،؛।॥។၊།։።׃".split("").flatMap((mark) => [
    [`请看https://example.org${mark}谢谢`, "https://example.org"],
    [`请看https://example.org/a${mark}谢谢`, "https://example.org/a"],
    [`https://example.org/a${mark}`, "https://example.org/a"],
  ]),
  ["请看https://example.org谢谢", "https://example.org"],
  ["（https://example.org/a）", "https://example.org/a"],
  ["「https://example.org/a」です", "https://example.org/a"],
  ["«https://example.org/a», “https", "https://example.org/a"],
  ["`https://example.org/a`", "https://example.org/a"],
  ["**https://example.org/a**谢谢", "https://example.org/a"],
  ["~~https://example.org/a~~ _", "https://example.org/a"],
  ["_https://example.org/a_", "https://example.org/a"],
  ["'https://example.org/a'", "https://example.org/a"],
  ['"https://example.org/a"', "https://example.org/a"],
  ["<https://example.org/a>", "https://example.org/a"],
  ["|https://example.org/a|b|", "https://example.org/a"],
  ["https://example.org/a\tb", "https://example.org/a"],
  ["https://example.org/a\u202eb", "https://example.org/a"],
  ["https://example.org\u200bb", "https://example.org"],
  ["https://example.org/a...", "https://example.org/a"],
  ["https://example.org/a?!", "https://example.org/a"],
  ["https://example.org.", "https://example.org"],
  ["https://example.org:谢谢", "https://example.org"],
  ["שלום https://example.org/א, שלום", "https://example.org/א"],
  // Brackets
  ["https://example.org/wiki/Cloud_(sky)", "https://example.org/wiki/Cloud_(sky)"],
  ["(https://example.org/Foo_(bar_(baz)))", "https://example.org/Foo_(bar_(baz))"],
  ["https://example.org/?ids[]", "https://example.org/?ids[]"],
  ["https://example.org/?ids[]=1&x[0]=2].", "https://example.org/?ids[]=1&x[0]=2"],
  ["[a](https://example.org/a)", "https://example.org/a"],
  ["https://example.org/a(b c)", "https://example.org/a"],
  ["https://example.org/a(b]c", "https://example.org/a"],
  ["https://example.org/a（官网）很好", "https://example.org/a"],
  ["https://example.org/a「タイトル」", "https://example.org/a"],
  ["https://example.org-", "https://example.org"],
  // What belongs to a link
  ["https://example.org/", "https://example.org/"],
  ["https://example.org/#", "https://example.org/#"],
  ["https://example.org/a.b,c;d:e!f'g*h", "https://example.org/a.b,c;d:e!f'g*h"],
  ["https://example.org/__init__.py", "https://example.org/__init__.py"],
  ["https://example.org/@a/%E2%9C%93", "https://example.org/@a/%E2%9C%93"],
  ["https://example.org./a", "https://example.org./a"],
  ["https://example.org:8000/a", "https://example.org:8000/a"],
  ["https://example.org?a=1", "https://example.org?a=1"],
  ["https://localhost:8000", "https://localhost:8000"],
  ["http://[::1]:8000/a", "http://[::1]:8000/a"],
  ["http://127.0.0.1:8000/a", "http://127.0.0.1:8000/a"],
  ["https://example.org/👍🏽 ok", "https://example.org/👍🏽"],
  ["https://example.org👍", "https://example.org"],
  ["https://ca.example/Col·legi", "https://ca.example/Col·legi"],
  ["https://web.example/web/https://a.example/", "https://web.example/web/https://a.example/"],
];
for (const [text, expected] of ENDS) {
  test(`finds the link in: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(
      partsOf(text).map((part) => part.text),
      [expected],
    );
  });
}

test("normalizes the address", () => {
  assert.deepEqual(linksIn("HTTP://EXAMPLE.org"), ["http://example.org/"]);
  assert.deepEqual(linksIn("https://a.example and https://b.example!"), ["https://a.example/", "https://b.example/"]);
});

const PLAIN_TEXTS = [
  // eslint-disable-next-line no-script-url -- the attack that is tested
  "javascript:alert(1)",
  // eslint-disable-next-line no-script-url -- the attack that is tested
  "javascript://example.org/%0aalert(1)",
  "data:text/html,<script>alert(1)</script>",
  "ftp://example.org/",
  "https://",
  "https:///a",
  "https://。谢谢",
  "https://bank.example@evil.example/",
  "https://bank.example:443@evil.example/",
  "https://bänk.example@evil.example/",
  "https://ex%61mple.org/",
  "https://a-.example",
  "https://example.org:99999/",
  "xhttps://example.org",
  "no link at all",
  "",
];
for (const text of PLAIN_TEXTS) {
  test(`makes no link of: ${JSON.stringify(text)}`, () => assert.deepEqual(linksIn(text), []));
}

const LABELS = {
  // Shown as written: one script, and no look-alike of Latin.
  "https://bücher.example/": "https://bücher.example/",
  "https://www.blücher.example": "https://www.blücher.example",
  "https://例え.jp/あ": "https://例え.jp/あ",
  "https://пример.рф": "https://пример.рф",
  "https://www.राहुल.भारत/": "https://www.राहुल.भारत/",
  "https://xn--80ak6aa92e.com/": "https://xn--80ak6aa92e.com/",
  // Could pose as another host.
  "https://www.аррӏе.com/a": "https://www.xn--80ak6aa92e.com/a", // all Cyrillic
  "https://аррӏе.рф": "https://xn--80ak6aa92e.xn--p1ai",
  "https://gооgle.com": "https://xn--ggle-55da.com", // Cyrillic о
  "https://gοοgle.com": "https://xn--ggle-0nda.com", // Greek ο
  "https://admın.example": "https://xn--admn-nza.example", // dotless ı
  "https://ɡoogle.com": "https://xn--oogle-qmc.com", // U+0261
  "https://ｇｏｏｇｌｅ.com": "https://google.com",
  "https://googlе.ノ.example": "https://xn--googl-3we.xn--ldk.example",
};
for (const [text, label] of Object.entries(LABELS)) {
  test(`shows ${text} as ${label}`, () => assert.deepEqual(partsOf(text)[0].label, label));
}

const LENGTH = 50_000;
const LONG_TEXTS = [
  "https://a.example/".padEnd(LENGTH, "("),
  "https://a.example/".padEnd(LENGTH, "."),
  "https://".repeat(LENGTH / 8),
  "https://a:99999/".repeat(LENGTH / 16),
  "https://a.example/x".repeat(LENGTH / 20),
  "https://".padEnd(LENGTH, "a-"),
  "https://".padEnd(LENGTH, "a."),
  "https://".padEnd(LENGTH, "a,"),
  "www.".repeat(LENGTH / 4),
];
for (const text of LONG_TEXTS) {
  test(`takes steps that are linear to the length of ${JSON.stringify(text.slice(0, 30))}…`, () => {
    const steps = countSteps(() => splitLinks(text));
    assert.ok(steps <= 10 * text.length, `${steps}`);
  });
}
