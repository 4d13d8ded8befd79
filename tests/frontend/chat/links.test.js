import assert from "node:assert/strict";
import test from "node:test";

import { splitLinks } from "../../../frontend/modules/chat/links.js";

function linksIn(text) {
  const parts = splitLinks(text);
  assert.equal(parts.map((part) => part.text).join(""), text);
  return parts.flatMap(({ href }) => (href === null ? [] : [href]));
}

const LINKS = [
  ["see https://example.org/a?b=c#d now", ["https://example.org/a?b=c#d"]],
  ["HTTP://EXAMPLE.org", ["http://example.org/"]],
  ["(https://example.org/x).", ["https://example.org/x"]],
  ["https://example.org/wiki/Cloud_(sky)", ["https://example.org/wiki/Cloud_(sky)"]],
  ["https://a.example and https://b.example!", ["https://a.example/", "https://b.example/"]],
];
for (const [text, expected] of LINKS) {
  test(`makes links of web addresses: ${text}`, () => assert.deepEqual(linksIn(text), expected));
}

const PLAIN_TEXTS = [
  // eslint-disable-next-line no-script-url -- the attack that is tested
  "javascript:alert(1)",
  // eslint-disable-next-line no-script-url -- the attack that is tested
  "javascript://example.org/%0aalert(1)",
  "data:text/html,<script>alert(1)</script>",
  "ftp://example.org/",
  "https://",
  "https://bank.example@evil.example/",
  "no link at all",
  "",
];
for (const text of PLAIN_TEXTS) {
  test(`makes no link of: ${JSON.stringify(text)}`, () => assert.deepEqual(linksIn(text), []));
}
