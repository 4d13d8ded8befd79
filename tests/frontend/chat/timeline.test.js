import assert from "node:assert/strict";
import test from "node:test";

import { reduceMessages } from "../../../frontend/modules/chat/message_reducer.js";
import { Timeline } from "../../../frontend/modules/chat/timeline.js";
import { joined, messageAt, messages } from "../support/room.js";

function timelineWith(events, join) {
  const timeline = new Timeline();
  timeline.startFresh(join);
  for (const event of events) timeline.apply(event);
  return timeline;
}

/** Return the texts of the messages; a gap is "gap" if it can be loaded, else "lost". */
function shownIn(timeline) {
  return reduceMessages(timeline.segments).map((item) => {
    if (item.kind === "message") return item.text;
    return item.canLoad ? "gap" : "lost";
  });
}

test("shows each event once and in order", () => {
  const timeline = timelineWith([], joined(2));
  const outcomes = [1, 2, 2, 1, 3].map((seq) => timeline.apply(messageAt(seq)));
  assert.deepEqual(outcomes, ["applied", "applied", "duplicate", "duplicate", "applied"]);
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "m3"]);
  assert.deepEqual(timeline.position, { epoch: "e1", seq: 3 });
});

test("reports missing events and another epoch, and changes nothing", () => {
  const timeline = timelineWith([], joined(1));
  const outcomes = [messageAt(1), messageAt(3), messageAt(2, "e2")].map((event) => timeline.apply(event));
  assert.deepEqual(outcomes, ["applied", "missing_events", "other_epoch"]);
  assert.deepEqual(shownIn(timeline), ["m1"]);
});

test("gives an empty room a position, so that its first event cannot be missed", () => {
  const timeline = timelineWith([], joined(0));
  assert.deepEqual(timeline.position, { epoch: "e1", seq: 0 });
  assert.equal(timeline.apply(messageAt(2)), "missing_events");
});

test("shows a gap until older pages close it", () => {
  const timeline = timelineWith(messages(1, 2), joined(2));
  timeline.startAfterGap(joined(8));
  for (const event of messages(7, 8)) timeline.apply(event);
  const { id } = timeline.segments[1];
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "gap", "m7", "m8"]);
  timeline.pages.prepend(id, "e1", messages(5, 6), true);
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "gap", "m5", "m6", "m7", "m8"]);
  timeline.pages.prepend(id, "e1", messages(1, 4), false);
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"]);
  assert.equal(timeline.segments.length, 1);
});

test("shows a gap only once the replay after it has begun", () => {
  const timeline = timelineWith(messages(1, 2), joined(2));
  timeline.startAfterGap(joined(8));
  assert.deepEqual(shownIn(timeline), ["m1", "m2"]);
  timeline.apply(messageAt(7));
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "gap", "m7"]);
});

test("shows a gap before an empty new epoch", () => {
  const timeline = timelineWith(messages(1, 2), joined(2));
  timeline.startAfterGap(joined(0, { epoch: "e2" }));
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "lost"]);
});

test("shows that a gap cannot be loaded if neither log nor archive have the events", () => {
  const timeline = timelineWith(messages(1, 2), joined(2));
  timeline.startAfterGap(joined(8, { oldest: 7 }));
  for (const event of messages(7, 8)) timeline.apply(event);
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "gap", "m7", "m8"]);
  timeline.pages.prepend(timeline.segments[1].id, "e1", [], false);
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "lost", "m7", "m8"]);
});

test("asks for older events if the log is empty, and not if the room is", () => {
  const emptyLog = timelineWith([], joined(60, { oldest: 61 }));
  assert.deepEqual([emptyLog.segments[0].hasOlder, emptyLog.startsAtBeginning], [true, false]);
  assert.equal(emptyLog.pages.prepend(emptyLog.segments[0].id, "e1", messages(11, 60), true), true);
  const emptyRoom = timelineWith([], joined(0));
  assert.deepEqual([emptyRoom.segments[0].hasOlder, emptyRoom.startsAtBeginning], [false, true]);
});

test("shows messages once that a page repeats after a loss of the store", () => {
  const timeline = timelineWith(messages(31, 60), joined(60));
  timeline.startAfterGap(joined(60, { oldest: 61, epoch: "e2" }));
  timeline.pages.prepend(timeline.segments[1].id, "e2", messages(51, 60), true);
  assert.deepEqual(
    shownIn(timeline),
    messages(31, 60).map(({ text }) => text),
  );
  assert.equal(timeline.segments[0].hasOlder, true);
  assert.deepEqual(timeline.position, { epoch: "e2", seq: 60 });
  assert.equal(timeline.apply(messageAt(61, "e2")), "applied");
});

test("keeps the messages of an earlier epoch above a gap", () => {
  const timeline = timelineWith(messages(1, 2), joined(2));
  timeline.startAfterGap(joined(1, { epoch: "e2" }));
  timeline.apply({ ...messageAt(1, "e2"), text: "anew" });
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "lost", "anew"]);
  assert.deepEqual(timeline.position, { epoch: "e2", seq: 1 });
});

test("continues from the last event if the connection is lost inside a gap", () => {
  const timeline = timelineWith(messages(1, 2), joined(2));
  timeline.startAfterGap(joined(8));
  assert.deepEqual(timeline.position, { epoch: "e1", seq: 2 });
  timeline.startAfterGap(joined(9));
  timeline.apply(messageAt(9));
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "gap", "m9"]);
});

test("refuses a page of history that does not end where the segment begins", () => {
  const timeline = timelineWith([messageAt(9)], joined(9));
  const { id } = timeline.segments[0];
  assert.equal(timeline.pages.prepend(id, "e1", messages(5, 7), true), false);
  assert.equal(timeline.pages.prepend(id, "e2", messages(5, 8, "e2"), true), false);
  assert.equal(timeline.pages.prepend(id + 1, "e1", messages(5, 8), true), false);
  assert.equal(timeline.pages.prepend(id, "e1", messages(8, 9), true), true);
  assert.deepEqual(shownIn(timeline), ["m8", "m9"]);
});

/** A reader who scrolled back from 12,000 to 9,951: the newest events were unloaded on the way. */
function scrolledBack() {
  const timeline = timelineWith(messages(11_951, 12_000), joined(12_000));
  const { id } = timeline.segments[0];
  for (let first = 11_901; first >= 9_951; first -= 50) {
    assert.equal(timeline.pages.prepend(id, "e1", messages(first, first + 49), true), true);
  }
  return timeline;
}

test("pages back without end, and unloads the newest events meanwhile", () => {
  const timeline = scrolledBack();
  assert.equal(timeline.size <= 2_000, true);
  assert.equal(timeline.pages.isDetached, true);
  assert.equal(timeline.segments[0].events[0].seq, 9_951);
  assert.equal(timeline.pages.firstUnloadedSeq, 11_451);
  // The position is still the newest one: nothing is missing, and no join is needed.
  assert.deepEqual(timeline.position, { epoch: "e1", seq: 12_000 });
  assert.deepEqual(reduceMessages(timeline.segments).at(-1).isUnloaded, true);
  assert.deepEqual(
    [12_000, 12_001, 12_003].map((seq) => timeline.apply(messageAt(seq))),
    ["duplicate", "applied", "missing_events"],
  );
  assert.equal(timeline.isPast({ epoch: "e1", seq: 12_001 }), true);
});

test("loads the unloaded events again, in order, until the newest", () => {
  const timeline = scrolledBack();
  assert.equal(timeline.pages.append("e1", messages(11_490, 11_539)), false);
  assert.equal(timeline.pages.append("e2", messages(11_451, 11_500)), false);
  for (let first = 11_451; first <= 11_951; first += 50) {
    assert.equal(timeline.pages.append("e1", messages(first, Math.min(first + 49, 12_000))), true);
  }
  assert.equal(timeline.pages.isDetached, false);
  assert.equal(timeline.segments.length, 1);
  assert.equal(timeline.size, 2_000);
  assert.equal(timeline.segments[0].hasOlder, true);
  assert.equal(timeline.apply(messageAt(12_001)), "applied");
  assert.equal(timeline.segments[0].events.at(-1).seq, 12_001);
});

test("attaches to the newest events at once", () => {
  const timeline = scrolledBack();
  timeline.pages.attach();
  assert.equal(timeline.pages.isDetached, false);
  assert.equal(timeline.size, 0);
  timeline.apply(messageAt(12_001)); // arrives before the page
  assert.equal(timeline.pages.prepend(timeline.segments[0].id, "e1", messages(11_951, 12_000), true), true);
  assert.deepEqual([timeline.size, timeline.segments[0].hasOlder], [51, true]);
});

test("shows a gap if the unloaded events cannot be loaded in order", () => {
  const timeline = scrolledBack();
  timeline.pages.showUnloadedAsGap();
  const gap = reduceMessages(timeline.segments).at(-1);
  assert.deepEqual([timeline.pages.isDetached, gap.isUnloaded, gap.canLoad], [false, false, true]);
  assert.equal(timeline.pages.prepend(gap.segment, "e1", messages(11_951, 12_000), true), true);
});

test("trims the oldest events and offers to load them again", () => {
  const timeline = timelineWith(messages(1, 5), joined(5));
  assert.equal(timeline.segments[0].hasOlder, false);
  timeline.trim(2);
  assert.deepEqual(shownIn(timeline), ["m4", "m5"]);
  assert.equal(timeline.segments[0].hasOlder, true);
});

test("offers no events of an earlier epoch, and does not call its start the beginning", () => {
  const timeline = timelineWith(messages(1, 2), joined(2));
  const state = () => [timeline.segments.map(({ hasOlder }) => hasOlder), timeline.startsAtBeginning];
  assert.deepEqual(state(), [[false], true]);
  timeline.startAfterGap(joined(1, { epoch: "e2" }));
  timeline.apply(messageAt(1, "e2"));
  assert.deepEqual(state(), [[false, false], false]);
  timeline.trim(2);
  assert.deepEqual(state(), [[false, false], false]);
});

test("stays bounded in a hidden tab, which gets events but draws no frames", () => {
  const timeline = timelineWith(messages(1, 6_000), joined(1));
  assert.equal(timeline.size, 5_000);
  assert.equal(timeline.segments[0].hasOlder, true);
  assert.equal(timeline.position.seq, 6_000);
});

/** Seqs with the epoch in which each event was written. */
function seqsIn(timeline) {
  return timeline.segments.map(({ events }) => events.map(({ epoch, seq }) => `${epoch}:${seq}`));
}

test("takes replayed events of earlier epochs, and joins again for a live one", () => {
  // After a restore, the log begins a new epoch, and its events keep the epoch in which they were written.
  const timeline = timelineWith([...messages(1, 2), messageAt(3, "e2")], joined(3, { epoch: "e3" }));
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "m3"]);
  assert.deepEqual(timeline.position, { epoch: "e3", seq: 3 });
  assert.equal(timeline.apply(messageAt(4, "e2")), "other_epoch");
  assert.equal(timeline.apply(messageAt(3, "e4")), "other_epoch"); // the log lost its end while the page followed it
  assert.equal(timeline.apply(messageAt(3, "e2")), "duplicate");
  assert.equal(timeline.apply(messageAt(4, "e3")), "applied");
});

test("shows the replay of a restored log once, and one gap where messages were lost", () => {
  const timeline = timelineWith(messages(1, 6), joined(6));
  timeline.startAfterGap(joined(4, { epoch: "e2" }));
  const outcomes = messages(1, 4).map((event) => timeline.apply(event));
  assert.deepEqual(outcomes, ["known", "known", "known", "known"]);
  timeline.apply(messageAt(5, "e2"));
  assert.deepEqual(seqsIn(timeline), [["e1:1", "e1:2", "e1:3", "e1:4", "e1:5", "e1:6"], ["e2:5"]]);
  assert.deepEqual(shownIn(timeline), ["m1", "m2", "m3", "m4", "m5", "m6", "lost", "m5"]);
  assert.deepEqual(timeline.position, { epoch: "e2", seq: 5 });
  assert.equal(timeline.startsAtBeginning, true);
});

test("puts what a restored log replays from before the first message in front of it", () => {
  const timeline = timelineWith(messages(3, 6), joined(6));
  timeline.startAfterGap(joined(5, { epoch: "e2" }));
  for (const event of messages(2, 5)) timeline.apply(event);
  timeline.apply(messageAt(6, "e2"));
  assert.deepEqual(seqsIn(timeline), [["e1:2", "e1:3", "e1:4", "e1:5", "e1:6"], ["e2:6"]]);
  const [first] = timeline.segments;
  assert.equal(first.hasOlder, true);
  assert.equal(timeline.pages.prepend(first.id, "e2", [messageAt(1)], false), true);
});

test("offers older messages of a restored log after the ones before the gap were trimmed", () => {
  const timeline = timelineWith(messages(1, 4), joined(4));
  timeline.startAfterGap(joined(3, { epoch: "e2" }));
  for (const event of [...messages(1, 3), messageAt(4, "e2"), messageAt(5, "e2")]) timeline.apply(event);
  timeline.trim(2);
  assert.deepEqual(seqsIn(timeline), [["e2:4", "e2:5"]]);
  assert.equal(timeline.segments[0].hasOlder, true);
});

test("applies a change to a message that was written in an earlier epoch", () => {
  const edit = { ...messageAt(3, "e2"), type: "edited", target: 1, text: "corrected" };
  const timeline = timelineWith([...messages(1, 2), edit], joined(2, { epoch: "e2" }));
  assert.deepEqual(shownIn(timeline), ["corrected", "m2"]);
});
