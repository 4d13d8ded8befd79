import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { CommandError } from "../../../frontend/modules/net/socket/pending_requests.js";
import { FakeClock, settle } from "../support/clock.js";
import { GRACE, messageIn, openStore, roomInfo, SELF, welcome } from "../support/rooms.js";

let clock;
let store;
let commands;
let replies;
let api;

beforeEach(() => {
  clock = new FakeClock();
  ({ store, commands, replies, api } = openStore(clock));
});

async function openRoom(info = {}) {
  store.welcome(welcome(roomInfo("a", info)));
  await settle();
  return store.get("a");
}

const sent = (type) => commands.filter((command) => command.type === type);

test("is named after the other people of a direct room", async () => {
  const room = await openRoom({ kind: "direct", name: "", users: [GRACE, { id: "u3", name: "linus" }] });
  assert.equal(room.title, "grace, linus");
});

test("keeps the line at the first unread message until the user writes", async () => {
  const room = await openRoom();
  room.reading.placeLine();
  assert.equal(room.reading.firstUnreadSeq, null);
  store.receive(messageIn("a", 1, { user: SELF }));
  for (const seq of [2, 3]) store.receive(messageIn("a", seq));
  assert.equal(room.reading.firstUnreadSeq, 2);
  room.reading.mark(3);
  assert.equal(room.reading.firstUnreadSeq, 2);
  await room.writing.send("answer");
  assert.equal(room.reading.firstUnreadSeq, null);
});

test("places no line while the first unread message is not loaded", async () => {
  replies.join = ({ room }) => ({ type: "joined", room, status: "fresh", epoch: "e1", seq: 9, oldest: 1 });
  const room = await openRoom({ seq: 9, read: 3 });
  room.reading.placeLine();
  store.receive(messageIn("a", 10));
  assert.equal(room.reading.firstUnreadSeq, null);
});

test("sends the read marker at most once per second, and again after a lost connection", async () => {
  const room = await openRoom();
  for (const seq of [1, 2, 3]) room.reading.mark(seq);
  await settle();
  assert.deepEqual(
    sent("read").map(({ seq }) => seq),
    [1],
  );
  await clock.advance(1_000);
  await settle();
  assert.equal(sent("read").at(-1).seq, 3);
  replies.read = () => undefined;
  await clock.advance(1_000);
  room.reading.mark(5);
  await settle();
  replies.read = (command) => command;
  store.disconnected();
  commands.length = 0;
  store.welcome(welcome(roomInfo("a", { read: 3 })));
  await settle();
  assert.deepEqual(
    sent("read").map(({ seq }) => seq),
    [5],
  );
  assert.equal(room.reading.seq, 5);
});

test("shows who is typing until they stop or their message arrives", async () => {
  const room = await openRoom();
  store.receive({ type: "typing", room: "a", user: GRACE });
  assert.deepEqual(room.typists, [GRACE]);
  store.receive(messageIn("a", 1));
  assert.deepEqual(room.typists, []);
  store.receive({ type: "typing", room: "a", user: GRACE });
  await clock.advance(5_000);
  assert.deepEqual(room.typists, []);
});

test("tells that the user types at most every 3 s", async () => {
  const room = await openRoom();
  for (let key = 0; key < 5; key += 1) room.writing.typing();
  assert.equal(sent("typing").length, 1);
  await clock.advance(3_000);
  room.writing.typing();
  assert.equal(sent("typing").length, 2);
});

test("repeats a change under its cid when the outcome is unknown", async () => {
  const room = await openRoom();
  let attempts = 0;
  replies.edit = () => ((attempts += 1) < 2 ? undefined : { type: "ack" });
  const edited = room.commands.edit(1, "better");
  await settle();
  await clock.advance(700);
  await edited;
  const [first, second] = sent("edit");
  assert.equal(first.cid, second.cid);
  assert.deepEqual([first.seq, first.text], [1, "better"]);
});

test("says why nothing can be written", async () => {
  const stateIn = async (info) => (await openRoom(info)).writing.status.state;
  assert.equal(await stateIn({}), "allowed");
  assert.equal(await stateIn({ archived: true }), "archived");
  assert.equal(await stateIn({ role: "reader" }), "reader");
  const room = await openRoom({ slow_mode_seconds: 30 });
  replies.send = ({ cid }) => ({ type: "ack", room: "a", epoch: "e1", seq: 9, cid });
  await room.writing.send("one");
  await settle();
  assert.deepEqual(room.writing.status, { state: "slow_mode", until: clock.now() + 30_000 });
  await clock.advance(30_000);
  assert.equal(room.writing.status.state, "allowed");
  store.disconnectForGood();
  assert.equal(room.writing.status.state, "disconnected_for_good");
});

test("is muted for as long as the room says", async () => {
  const room = await openRoom();
  const until = clock.now() + 60_000;
  store.receive({ type: "room_changed", room: roomInfo("a", { muted_until: new Date(until).toISOString() }) });
  assert.deepEqual(room.writing.status, { state: "muted", until });
  await clock.advance(60_000);
  assert.equal(room.writing.status.state, "allowed");
  store.receive({ type: "room_changed", room: roomInfo("a", { muted_until: null }) });
  assert.deepEqual(room.writing.status, { state: "muted", until: null });
  store.receive({ type: "room_changed", room: roomInfo("a") });
  assert.equal(room.writing.status.state, "allowed");
});

test("is muted after a refusal until a message is accepted", async () => {
  const room = await openRoom();
  const refusal = { code: "muted", message: "you are muted", retryable: true, retry_after_ms: 3_600_000 };
  replies.send = () => {
    throw new CommandError(refusal);
  };
  for (const text of ["one", "two"]) await room.writing.send(text);
  await settle();
  assert.deepEqual(
    room.writing.outbox.items.map(({ state }) => state),
    ["failed", "failed"],
  );
  assert.deepEqual(room.writing.status, { state: "muted", until: clock.now() + 3_600_000 });
  replies.send = ({ cid }) => ({ type: "ack", room: "a", epoch: "e1", seq: 9, cid });
  await room.writing.outbox.retry(room.writing.outbox.items[0].cid);
  await settle();
  assert.equal(room.writing.status.state, "allowed");
});

test("shows the page around a message, and continues from it", async () => {
  replies.join = ({ room }) => ({ type: "joined", room, status: "fresh", epoch: "e1", seq: 99, oldest: 1 });
  replies.history = ({ around }) => ({
    type: "history",
    room: "a",
    epoch: "e1",
    as_of: 99,
    events: around === 40 ? [39, 40, 41].map((seq) => messageIn("a", seq)) : [],
    more_before: true,
    more_after: true,
  });
  const room = await openRoom({ seq: 99 });
  assert.equal(await room.log.loadAround(40), true);
  assert.deepEqual(
    room.log.items.map(({ kind, seq }) => seq ?? kind),
    [39, 40, 41, "gap"],
  );
  assert.deepEqual([room.log.hasOlder, room.log.isDetached, room.headSeq], [true, true, 99]);
  assert.equal(await room.log.loadAround(70), false);
  assert.equal(room.log.find(40).text, "m40");
});

test("marks the newest own message that others of a direct room have read", async () => {
  api.get = async () => ({ read_by: { [GRACE.id]: 1, u3: 0 } });
  const room = await openRoom({ kind: "direct", name: "", users: [GRACE, { id: "u3", name: "linus" }] });
  store.show(room);
  for (const seq of [1, 2, 3]) store.receive(messageIn("a", seq, { user: SELF }));
  await settle();
  assert.deepEqual(room.seenBy.mark, { seq: 1, names: ["grace"], isAll: false });
  store.receive(messageIn("a", 4));
  store.receive({ type: "read_by", room: "a", user: GRACE.id, seq: 4 });
  store.receive({ type: "read_by", room: "a", user: GRACE.id, seq: 2 }); // arrives late
  store.receive({ type: "read_by", room: "a", user: "u3", seq: 3 });
  assert.deepEqual(room.seenBy.mark, { seq: 3, names: ["grace", "linus"], isAll: true });
});

test("loads again what was read during a lost connection", async () => {
  const room = await openRoom({ kind: "direct", name: "", users: [GRACE] });
  store.show(room);
  store.receive(messageIn("a", 1, { user: SELF }));
  assert.equal(room.seenBy.mark, null);
  store.disconnected();
  api.get = async () => ({ read_by: { [GRACE.id]: 1 } });
  store.welcome(welcome(roomInfo("a", { kind: "direct", name: "", users: [GRACE] })));
  await settle();
  store.receive(messageIn("a", 1, { user: SELF }));
  assert.deepEqual(room.seenBy.mark, { seq: 1, names: ["grace"], isAll: true });
});
