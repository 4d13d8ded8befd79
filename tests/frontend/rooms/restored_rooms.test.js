import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeClock, settle } from "../support/clock.js";
import { messageIn, openStore, roomInfo, welcome } from "../support/rooms.js";

let store;
let commands;
let replies;
let heard;

beforeEach(() => {
  ({ store, commands, replies, heard } = openStore(new FakeClock()));
});

const events = (room, first, last) =>
  Array.from({ length: last - first + 1 }, (_, index) => messageIn(room, first + index));

function restore(id, seq, more = {}) {
  store.restore([{ id, order: 0, info: roomInfo(id, { seq, ...more }), unread: 2, mentions: 1 }]);
  store.get(id).restore({ room: id, epoch: "e1", events: events(id, seq - 9, seq), hasOlder: true, members: [] });
  return store.get(id);
}

async function connect(...rooms) {
  store.welcome(welcome(...rooms));
  for (let count = 0; count < 5; count += 1) await settle();
}

const joins = () => commands.filter(({ type }) => type === "join");

test("shows the rooms of an earlier page before there is a connection", () => {
  const room = restore("a", 20);
  assert.equal(store.isLoaded, true);
  assert.deepEqual([room.log.items.length, room.log.hasOlder, room.headSeq], [10, true, 20]);
  assert.deepEqual([room.reading.unread.count, room.reading.unread.mentions], [2, 1]);
  assert.equal(room.log.startsAtBeginning, false);
});

test("joins after what is here, and notifies nothing of what was missed", async () => {
  const room = restore("a", 20);
  store.show(room);
  replies.join = () => ({ type: "joined", room: "a", status: "recovered", epoch: "e1", seq: 22, oldest: 1 });
  await connect(roomInfo("a", { seq: 22 }));
  assert.deepEqual(joins()[0].after, { epoch: "e1", seq: 20 });
  for (const event of events("a", 21, 22)) store.receive(event);
  assert.deepEqual([room.log.items.length, heard], [12, []]);
  store.receive(messageIn("a", 23));
  assert.deepEqual(heard, ["a 23"]);
});

test("begins with the newest messages if too much was missed", async () => {
  restore("a", 20);
  await connect(roomInfo("a", { seq: 521 }));
  assert.equal(joins()[0].after, undefined);
  assert.deepEqual(store.get("a").log.items, []);
});

test("joins the rooms that are not shown when their contents are here", async () => {
  store.restore([{ id: "a", order: 0, info: roomInfo("a", { seq: 20 }), unread: 0, mentions: 0 }]);
  let finish = () => {};
  const content = new Promise((resolve) => {
    finish = () => resolve({ room: "a", epoch: "e1", events: events("a", 11, 20), hasOlder: true, members: [] });
  });
  store.restoreContents({
    roomsWithContent: async () => ["a", "left"],
    content: async (id) => (id === "a" ? content : null),
  });
  await connect(roomInfo("a", { seq: 20 }));
  assert.deepEqual(joins(), []);
  finish();
  for (let count = 0; count < 5; count += 1) await settle();
  assert.deepEqual(joins()[0].after, { epoch: "e1", seq: 20 });
});

test("saves a read marker that the earlier page could not save", async () => {
  const room = restore("a", 20, { read: 20 });
  await connect(roomInfo("a", { seq: 20, read: 12 }));
  assert.equal(room.reading.seq, 20);
  assert.deepEqual(
    commands.filter(({ type }) => type === "read").map(({ seq }) => seq),
    [20],
  );
});
