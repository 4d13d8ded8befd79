import assert from "node:assert/strict";
import test from "node:test";

import { groupMessages } from "../../../frontend/modules/chat/message_groups.js";

/** Return the kinds of the rows, with `*` where a group starts. Each item is [user, time] or "gap". */
function kindsOf(...items) {
  const messages = items.map((item, index) =>
    item === "gap"
      ? { kind: "gap", key: `gap ${index}` }
      : { kind: "message", key: `m${index}`, user: { id: item[0] }, at: item[1] },
  );
  return groupMessages(messages).map((row) => row.kind + (row.startsGroup ? "*" : ""));
}

test("groups consecutive messages of one author", () => {
  const kinds = kindsOf(["a", "2026-11-22T10:00:00"], ["a", "2026-11-22T10:04:59"], ["b", "2026-11-22T10:05:00"]);
  assert.deepEqual(kinds, ["day", "message*", "message", "message*"]);
});

test("ends a group at a pause, at a gap and at a new day", () => {
  const kinds = kindsOf(
    ["a", "2026-11-22T23:50:00"],
    ["a", "2026-11-22T23:58:00"],
    "gap",
    ["a", "2026-11-22T23:59:00"],
    ["a", "2026-11-23T00:00:00"],
  );
  assert.deepEqual(kinds, ["day", "message*", "message*", "gap", "day", "message*", "day", "message*"]);
});
