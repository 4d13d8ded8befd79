import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { RoomSubscription } from "../../../frontend/modules/chat/room_subscription.js";
import { Timeline } from "../../../frontend/modules/chat/timeline.js";
import { CommandError } from "../../../frontend/modules/net/socket/pending_requests.js";
import { FakeClock, settle } from "../support/clock.js";
import { joined, messageAt, messages } from "../support/room.js";

let clock;
let timeline;
let commands;
let answer;
let pages;
let subscription;

beforeEach(async () => {
  clock = new FakeClock();
  timeline = new Timeline();
  commands = [];
  pages = [];
  answer = () => ({ epoch: "e1", as_of: 80, events: [], more_before: false, more_after: true });
  const connection = {
    async request(command) {
      commands.push(command);
      return answer(command);
    },
  };
  const listener = {
    onChange() {},
    onJoined() {},
    onRefused() {},
    onEvent() {},
    onPage: (events) => pages.push(...events),
  };
  subscription = new RoomSubscription({ room: "lobby", timeline, connection, clock, listener, random: () => 0.5 });
  await subscription.join();
});

function refuse(details) {
  throw new CommandError({ code: "unavailable", message: "no", retryable: true, ...details });
}

const types = () => commands.map(({ type }) => type);
const countHistory = () => types().filter((type) => type === "history").length;
const loadOlder = () => subscription.history.loadOlder(timeline.segments.at(-1).id);
const receive = (seq) => subscription.receive(messageAt(seq));

/** The room has 80 messages, and the last 50 arrive. */
function arrive() {
  subscription.receive(joined(80));
  for (let seq = 31; seq <= 80; seq += 1) receive(seq);
}

test("loads no older page during a replay", async () => {
  // During a replay the view is short and its top is visible: the reader did not scroll there.
  subscription.receive(joined(80));
  for (let seq = 31; seq < 80; seq += 1) {
    receive(seq);
    await loadOlder();
  }
  assert.deepEqual(types(), ["join"]);
  receive(80);
  await loadOlder();
  assert.deepEqual(types(), ["join", "history"]);
});

test("loads an older page at once if nothing has to be replayed", async () => {
  arrive();
  subscription.disconnected();
  await subscription.join();
  subscription.receive(joined(80, { status: "recovered" }));
  await loadOlder();
  assert.deepEqual(types(), ["join", "join", "history"]);
});

test("requests a failed page again after a pause, however often it is wanted", async () => {
  arrive();
  answer = () => refuse({ retry_after_ms: 500 });
  const loading = loadOlder();
  await settle();
  assert.equal(countHistory(), 1);
  for (let count = 0; count < 20; count += 1) loadOlder();
  await clock.advance(499);
  assert.equal(countHistory(), 1);
  answer = () => refuse({});
  await clock.advance(1);
  assert.equal(countHistory(), 2);
  answer = () => ({ epoch: "e1", as_of: 80, events: [messageAt(30)], more_before: true, more_after: true });
  await clock.advance(1_000); // full jitter
  await loading;
  assert.equal(countHistory(), 3);
  assert.equal(timeline.segments[0].events[0].seq, 30);
  assert.deepEqual(
    pages.map(({ seq }) => seq),
    [30],
  );
});

test("gives up a page with its connection, and requests it anew on the next one", async () => {
  arrive();
  answer = () => refuse({ retry_after_ms: 500 });
  loadOlder();
  await settle();
  assert.equal(subscription.history.isLoading, true);
  subscription.disconnected();
  await settle();
  assert.equal(subscription.history.isLoading, false);
  await clock.advance(1_000);
  answer = () => ({ epoch: "e1", as_of: 80, events: [], more_before: false, more_after: true });
  await subscription.join();
  subscription.receive(joined(80, { status: "recovered" }));
  await loadOlder();
  assert.equal(countHistory(), 2);
});

test("does not request a page again that was refused for good", async () => {
  arrive();
  answer = () => refuse({ retryable: false });
  for (let count = 0; count < 3; count += 1) await loadOlder();
  assert.equal(countHistory(), 1);
  assert.equal(timeline.startsAtBeginning, false);
});

test("joins again after a page of another epoch", async () => {
  arrive();
  answer = () => ({ epoch: "e2", as_of: 80, events: [messageAt(30, "e2")], more_before: true, more_after: true });
  await loadOlder();
  await loadOlder();
  assert.deepEqual(types(), ["join", "history", "join"]);
  assert.equal(timeline.segments[0].events[0].seq, 31);
});

test("requests a page anew if its segment was trimmed meanwhile", async () => {
  arrive();
  const before = [];
  answer = (command) => {
    before.push(command.before);
    if (before.length === 1) timeline.trim(10);
    return { epoch: "e1", as_of: 80, events: [messageAt(command.before - 1)], more_before: true, more_after: true };
  };
  await loadOlder();
  await loadOlder();
  assert.deepEqual(before, [31, 71]);
  assert.equal(timeline.segments[0].events[0].seq, 70);
});

/** The reader scrolled back until the newest events were unloaded. A page holds at most `size` events. */
async function scrollBack(size) {
  answer = ({ before, after }) => {
    const first = after === undefined ? Math.max(1, before - size) : after + 1;
    const last = Math.min(9_000, after === undefined ? before - 1 : after + size);
    const more = { more_before: first > 1, more_after: last < 9_000 };
    return { epoch: "e1", as_of: 9_000, events: messages(first, last), ...more };
  };
  subscription.receive(joined(9_000));
  for (let seq = 8_951; seq <= 9_000; seq += 1) receive(seq);
  while (!timeline.pages.isDetached) await subscription.history.loadOlder(timeline.segments[0].id);
}

for (const size of [50, 20, 7]) {
  test(`loads unloaded events again, also where a page holds only ${size}`, async () => {
    await scrollBack(size);
    const first = timeline.pages.firstUnloadedSeq;
    await subscription.history.loadNewer();
    assert.ok(timeline.pages.firstUnloadedSeq > first);
    while (timeline.pages.isDetached) await subscription.history.loadNewer();
    const seqs = timeline.segments.flatMap(({ events }) => events.map(({ seq }) => seq));
    assert.equal(seqs.at(-1), 9_000);
    assert.equal(
      seqs.every((seq, index) => index === 0 || seq === seqs[index - 1] + 1),
      true,
    );
    const count = countHistory();
    await subscription.history.loadNewer();
    assert.equal(countHistory(), count); // nothing is unloaded any more
  });
}

test("shows a gap if the unloaded events are no longer on the server", async () => {
  await scrollBack(50);
  const first = timeline.pages.firstUnloadedSeq;
  const events = messages(first + 10, first + 50);
  answer = () => ({ epoch: "e1", as_of: 9_000, events, more_before: false, more_after: true });
  await subscription.history.loadNewer();
  assert.equal(timeline.pages.isDetached, false);
  assert.equal(timeline.segments.length, 2);
});

test("loads the newest page after the jump to it", async () => {
  await scrollBack(50);
  timeline.pages.attach();
  await loadOlder();
  assert.deepEqual([timeline.size, timeline.segments[0].events.at(-1).seq], [50, 9_000]);
});

test("joins once after a restore, whose replay carries earlier epochs", async () => {
  arrive();
  subscription.disconnected();
  await subscription.join();
  subscription.receive(joined(80, { status: "gap", epoch: "e2" }));
  for (let seq = 31; seq <= 80; seq += 1) receive(seq);
  subscription.receive(messageAt(81, "e2"));
  await clock.advance(60_000);
  assert.deepEqual(types(), ["join", "join"]);
  assert.deepEqual(timeline.position, { epoch: "e2", seq: 81 });
});

test("joins ever less often if a join does not bring the missing events", async () => {
  // For example a server whose replay the page does not understand: the page must not flood it.
  let answered = 0;
  for (let second = 0; second < 600; second += 1) {
    if (commands.length > answered) {
      answered = commands.length;
      subscription.receive(joined(80));
      receive(40);
      receive(42);
    }
    await clock.advance(1_000);
  }
  assert.ok(commands.length > 20 && commands.length < 60, `${commands.length}`);
});

test("joins at once for an event that is missing after a quiet time", async () => {
  arrive();
  await clock.advance(10_000);
  receive(82);
  await settle();
  assert.deepEqual(types(), ["join", "join"]);
});

test("fills the changes that are folded into a page of history", async () => {
  arrive();
  const changed = { ...messageAt(27), edited_at: "now", text: "better" };
  answer = () => ({ epoch: "e1", as_of: 80, events: [changed, messageAt(29)], more_before: true, more_after: true });
  await loadOlder();
  const loaded = timeline.segments[0].events.slice(0, 5);
  assert.deepEqual(
    loaded.map(({ type, seq }) => [type, seq]),
    [
      ["message", 27],
      ["folded", 28],
      ["message", 29],
      ["folded", 30],
      ["message", 31],
    ],
  );
  assert.equal(loaded[0].as_of, 80);
});

test("loads the history if a store that was lost has nothing to replay", async () => {
  arrive();
  answer = () => ({ epoch: "e2", as_of: 80, events: messages(31, 80), more_before: true, more_after: false });
  subscription.disconnected();
  await subscription.join();
  subscription.receive(joined(80, { status: "gap", epoch: "e2", oldest: 81 }));
  await settle();
  assert.deepEqual(types(), ["join", "join", "history"]);
  assert.equal(timeline.segments.length, 1);
});

test("does not load the history of rooms that are not shown after a loss of the store", async () => {
  arrive();
  subscription.setShown(false);
  subscription.disconnected();
  await subscription.join();
  subscription.receive(joined(80, { status: "gap", epoch: "e2", oldest: 81 }));
  await settle();
  assert.equal(countHistory(), 0);
});
