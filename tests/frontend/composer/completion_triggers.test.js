import assert from "node:assert/strict";
import test from "node:test";

import { findTrigger, matchMembers } from "../../../frontend/modules/composer/completion_triggers.js";

function triggerIn(text) {
  const found = findTrigger(text, text.length);
  return found === null ? null : `${found.kind} ${found.start} ${found.query}`;
}

test("completes a name behind @ and an emoji behind :", () => {
  assert.equal(triggerIn("hi @"), "mention 3 ");
  assert.equal(triggerIn("hi @gra"), "mention 3 gra");
  assert.equal(triggerIn("(@gra"), "mention 1 gra");
  assert.equal(triggerIn(":ta"), "emoji 0 ta");
  assert.equal(triggerIn("ok :+1"), "emoji 3 +1");
  assert.equal(triggerIn(`${"a ".repeat(100)}@gra`), "mention 200 gra");
});

test("completes nothing in addresses, times and smileys", () => {
  for (const text of ["ada@exa", "@ada ", ":D", "10:30", "https://a", "::ab", "a:bc", "", "@".padEnd(60, "a")]) {
    assert.equal(triggerIn(text), null, text);
  }
});

test("looks only at the text before the caret", () => {
  assert.deepEqual(findTrigger("hi @gra more", 5), { kind: "mention", start: 3, query: "g" });
});

test("finds people by the beginning of their name, then of its parts, without case and accents", () => {
  const members = ["Zoë", "grace.hopper", "Ada", "hopper", "adam"].map((name) => ({ id: name, name }));
  const names = (query, limit = 5) => matchMembers(members, query, limit).map(({ name }) => name);
  assert.deepEqual(names("ad"), ["Ada", "adam"]);
  assert.deepEqual(names("hop"), ["hopper", "grace.hopper"]);
  assert.deepEqual(names("zoe"), ["Zoë"]);
  assert.deepEqual(names("", 2), ["Ada", "adam"]);
  assert.deepEqual(names("x"), []);
});
