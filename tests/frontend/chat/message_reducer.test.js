import assert from "node:assert/strict";
import test from "node:test";

import { reduceMessages } from "../../../frontend/modules/chat/message_reducer.js";
import { Timeline } from "../../../frontend/modules/chat/timeline.js";
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
    { text: "better", edited: true, deleted: false, reactions: [{ emoji: "+1", count: 2 }] },
    { text: "", edited: false, deleted: true, reactions: [] },
  ]);
});

test("applies an edit to a message that is loaded later", () => {
  const timeline = new Timeline();
  timeline.startFresh(joined(3));
  timeline.apply(messageAt(2));
  timeline.apply({ type: "edited", epoch: "e1", seq: 3, target: 1, user: USER, text: "better", at: "" });
  assert.deepEqual(textsOf(timeline), ["m2"]);
  timeline.prepend(timeline.segments[0].id, "e1", messages(1, 1), false);
  assert.deepEqual(textsOf(timeline), ["better", "m2"]);
});
