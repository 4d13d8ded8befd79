import assert from "node:assert/strict";
import test from "node:test";

import { buildRows } from "../../../frontend/modules/conversation/rows.js";

/** Return the kinds of the rows, with `*` where a group starts. Each item is [user, time, more], "gap" or "notice". */
function kindsOf(items, firstUnreadSeq = null) {
  const built = items.map((item, index) => {
    if (item === "gap") return { kind: "gap", key: `gap ${index}` };
    const [id, at, more] = item;
    const common = { key: `m${index}`, seq: index + 1, at, user: { id }, replyTo: null, ...more };
    return { kind: "message", ...common };
  });
  return buildRows(built, firstUnreadSeq).map((row) => row.kind + (row.startsGroup ? "*" : ""));
}

test("groups consecutive messages of one author", () => {
  const kinds = kindsOf([
    ["a", "2026-11-22T10:00:00"],
    ["a", "2026-11-22T10:04:59"],
    ["b", "2026-11-22T10:05:00"],
  ]);
  assert.deepEqual(kinds, ["day", "message*", "message", "message*"]);
});

test("ends a group at a pause, at a gap and at a new day", () => {
  const kinds = kindsOf([
    ["a", "2026-11-22T23:50:00"],
    ["a", "2026-11-22T23:58:00"],
    "gap",
    ["a", "2026-11-22T23:59:00"],
    ["a", "2026-11-23T00:00:00"],
  ]);
  assert.deepEqual(kinds, ["day", "message*", "message*", "gap", "day", "message*", "day", "message*"]);
});

test("places the line at the first unread message that is not deleted", () => {
  const deleted = ["a", "2026-11-22T10:00:00", { deleted: true }];
  const kinds = kindsOf([deleted, deleted, ["a", "2026-11-22T10:00:01"], ["a", "2026-11-22T10:00:02"]], 1);
  assert.deepEqual(kinds, ["day", "message*", "message", "unread", "message*", "message"]);
  assert.deepEqual(kindsOf([deleted], 1), ["day", "message*"]);
});

test("ends a group at a notice, at a reply and at the first unread message", () => {
  const kinds = kindsOf(
    [
      ["a", "2026-11-22T10:00:00"],
      ["a", "2026-11-22T10:00:01", { kind: "notice" }],
      ["a", "2026-11-22T10:00:02"],
      ["a", "2026-11-22T10:00:03", { replyTo: 1 }],
      ["a", "2026-11-22T10:00:04"],
      ["a", "2026-11-22T10:00:05"],
    ],
    6,
  );
  assert.deepEqual(kinds, ["day", "message*", "notice", "message*", "message*", "message", "unread", "message*"]);
});
