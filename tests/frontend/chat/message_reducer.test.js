import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { reduceMessages } from "../../../frontend/modules/chat/message_reducer.js";
import { Timeline } from "../../../frontend/modules/chat/timeline.js";
import { isRoomEvent } from "../../../frontend/modules/net/protocol.js";
import { joined, messages, messageAt, USER } from "../support/room.js";

const GRACE = { id: "u2", name: "grace" };

function textsOf(timeline) {
  return reduceMessages(timeline.segments).map(({ text }) => text);
}

test("applies edits, deletions and reactions to their targets", () => {
  const timeline = new Timeline();
  timeline.startFresh(joined(0));
  const events = [
    ...messages(1, 2),
    { type: "edited", epoch: "e1", seq: 3, target: 1, user: USER, text: "better", at: "" },
    { type: "reaction", epoch: "e1", seq: 4, target: 1, user: USER, emoji: "+1", on: true, at: "" },
    { type: "reaction", epoch: "e1", seq: 5, target: 1, user: GRACE, emoji: "+1", on: true, at: "" },
    { type: "reaction", epoch: "e1", seq: 6, target: 1, user: GRACE, emoji: "!", on: true, at: "" },
    { type: "reaction", epoch: "e1", seq: 7, target: 1, user: GRACE, emoji: "!", on: false, at: "" },
    { type: "deleted", epoch: "e1", seq: 8, target: 2, user: USER, at: "" },
  ];
  for (const event of events) timeline.apply(event);
  const shown = reduceMessages(timeline.segments).map(({ text, edited, deleted, reactions }) => ({
    text,
    edited,
    deleted,
    reactions,
  }));
  assert.deepEqual(shown, [
    { text: "better", edited: true, deleted: false, reactions: [{ emoji: "+1", count: 2, users: ["u1", "u2"] }] },
    { text: "", edited: false, deleted: true, reactions: [] },
  ]);
});

test("applies an edit to a message that is loaded later", () => {
  const timeline = new Timeline();
  timeline.startFresh(joined(3));
  timeline.apply(messageAt(2));
  timeline.apply({ type: "edited", epoch: "e1", seq: 3, target: 1, user: USER, text: "better", at: "" });
  assert.deepEqual(textsOf(timeline), ["m2"]);
  timeline.pages.prepend(timeline.segments[0].id, "e1", messages(1, 1), false);
  assert.deepEqual(textsOf(timeline), ["better", "m2"]);
});

test("applies to a row of the history only what is newer than the row", () => {
  const timeline = new Timeline();
  timeline.startFresh(joined(5));
  const react = (seq, user, on) => ({ type: "reaction", epoch: "e1", seq, target: 1, user, emoji: "+1", on, at: "" });
  for (const event of [react(3, USER, true), react(4, GRACE, false), react(5, { id: "u3" }, false)]) {
    timeline.apply(event);
  }
  const reactions = [{ emoji: "+1", count: 21, users: ["u1"] }];
  const row = { ...messageAt(1), text: "better", edited_at: "now", reactions, as_of: 3 };
  timeline.pages.prepend(timeline.segments[0].id, "e1", [row, { type: "folded", epoch: "e1", seq: 2 }], false);
  const [message] = reduceMessages(timeline.segments);
  assert.deepEqual([message.text, message.edited, message.deleted], ["better", true, false]);
  assert.deepEqual(message.reactions, [{ emoji: "+1", count: 19, users: ["u1"] }]);
});

test("counts events that it does not show", () => {
  const timeline = new Timeline();
  timeline.startFresh(joined(0));
  for (const event of [
    { ...messageAt(1), type: "edited", target: 9 },
    { ...messageAt(2), type: "of the future" },
    messageAt(3),
  ]) {
    assert.equal(isRoomEvent(event), true);
    assert.equal(timeline.apply(event), "applied");
  }
  assert.equal(isRoomEvent({ ...joined(3), type: "head" }), false);
  assert.deepEqual(textsOf(timeline), ["m3"]);
});

const CASES = JSON.parse(readFileSync(new URL("../../fixtures/message_fold.json", import.meta.url), "utf8"));

for (const { name, events, rows } of CASES) {
  test(`folds like the server: ${name}`, () => {
    const timeline = new Timeline();
    const first = events[0].seq;
    timeline.startFresh(joined(events.at(-1).seq, { oldest: first }));
    for (const event of events) timeline.apply(event);
    assert.deepEqual(reduceMessages(timeline.segments).map(toRow), rows.map(withoutUnshown));
  });
}

/** The page's row in the words of the server. */
function toRow(item) {
  const { seq, user } = item;
  if (item.kind === "notice") return { type: "notice", seq, user, kind: item.notice };
  const row = { type: "message", seq, user, text: item.text, deleted: item.deleted, mentions: item.mentions };
  const reactions = item.reactions.map(({ emoji, count, users }) => ({ emoji, count, users: users.slice(0, 20) }));
  return { ...row, mentionsRoom: item.mentionsRoom, editedAt: item.editedAt, replyTo: item.replyTo, reactions };
}

function withoutUnshown(row) {
  const { type, seq, user, kind } = row;
  if (type === "notice") return { type, seq, user, kind };
  const { text, mentions = [], mentions_room: mentionsRoom = false, edited_at: editedAt = null, reactions = [] } = row;
  const deleted = row.deleted_at !== undefined;
  return { type, seq, user, text, deleted, mentions, mentionsRoom, editedAt, replyTo: row.reply_to ?? null, reactions };
}
