import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { RoomCacheWriter } from "../../../frontend/modules/offline/room_cache_writer.js";
import { FakeClock, settle } from "../support/clock.js";
import { GRACE, messageIn, openStore, roomInfo, SELF, welcome } from "../support/rooms.js";

let clock;
let store;
let written;
let writer;

beforeEach(async () => {
  clock = new FakeClock();
  written = [];
  const cache = { write: async (_, changes) => void written.push(changes) };
  ({ store } = openStore(clock, { onRoomChanged: (id) => writer.roomChanged(id) }));
  writer = new RoomCacheWriter({ cache, store, clock, user: SELF, savedAt: 5 });
  writer.setConnected(true);
});

async function openRooms(...ids) {
  store.welcome(welcome(...ids.map((id) => roomInfo(id))));
  for (let count = 0; count < 5; count += 1) await settle();
  await clock.advance(10_000);
  written.length = 0;
}

const contents = () => written.flatMap((one) => one.contents);

test("collects what happens, and writes it once", async () => {
  await openRooms("a");
  for (let seq = 1; seq <= 30; seq += 1) store.receive(messageIn("a", seq));
  await clock.advance(3_000);
  assert.equal(written.length, 1);
  const [{ rooms, contents: [content] }] = written; // prettier-ignore
  assert.deepEqual([rooms[0].unread, rooms[0].info.seq, content.events.length], [30, 30, 30]);
});

test("writes while messages arrive all the time", async () => {
  await openRooms("a");
  for (let seq = 1; seq <= 20; seq += 1) {
    store.receive(messageIn("a", seq));
    await clock.advance(1_000);
  }
  assert.ok(written.length >= 5, String(written.length));
});

test("writes a few rooms at a time, and nothing for those who type", async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `r${index}`);
  await openRooms(...ids);
  for (const id of ids) store.receive(messageIn(id, 1));
  await clock.advance(3_000);
  assert.equal(contents().length, 8);
  await clock.advance(6_000);
  assert.equal(contents().length, 20);
  written.length = 0;
  store.receive({ type: "typing", room: "r1", user: GRACE });
  await clock.advance(20_000);
  assert.deepEqual(contents(), []);
});

test("stores no text that was deleted, and the newest 200 events", async () => {
  await openRooms("a");
  store.show(store.get("a"));
  for (let seq = 1; seq <= 250; seq += 1) store.receive(messageIn("a", seq));
  store.receive({ ...messageIn("a", 251), type: "edited", target: 250, text: "secret" });
  store.receive({ ...messageIn("a", 252), type: "deleted", target: 250 });
  await clock.advance(3_000);
  const [content] = contents();
  assert.deepEqual([content.events.length, content.events[0].seq, content.hasOlder], [200, 53, true]);
  const texts = content.events.slice(-3).map(({ text }) => text);
  assert.deepEqual(texts.slice(0, 2), ["", ""]);
});

test("names the time until which the rooms were followed", async () => {
  await openRooms("a");
  const lostAt = clock.now();
  writer.setConnected(false);
  await clock.advance(60_000);
  assert.equal(writer.savedAt, lostAt);
  assert.equal(written.at(-1).account.savedAt, lostAt);
});

test("removes a room that the user has left", async () => {
  await openRooms("a", "b");
  store.receive({ type: "room_removed", room: "b" });
  await clock.advance(3_000);
  assert.deepEqual(written.at(-1).left, ["b"]);
});

test("writes nothing after it is closed", async () => {
  await openRooms("a");
  store.receive(messageIn("a", 1));
  writer.close();
  writer.windowHidden();
  await clock.advance(10_000);
  assert.deepEqual(written, []);
});
