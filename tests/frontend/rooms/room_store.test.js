import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeClock, settle } from "../support/clock.js";
import { GRACE, messageIn, openStore, roomInfo, SELF, welcome } from "../support/rooms.js";

let clock;
let store;
let commands;
let replies;
let heard;

beforeEach(() => {
  clock = new FakeClock();
  ({ store, commands, replies, heard } = openStore(clock));
});

const joins = () => commands.filter(({ type }) => type === "join").map(({ room, limit }) => `${room} ${limit}`);
const countsOf = (id) => [store.get(id).reading.unread.count, store.get(id).reading.unread.mentions];

test("joins first the room that the view chooses from the first list of rooms", async () => {
  const unsubscribe = store.subscribe(() => store.show(store.get("b")));
  store.welcome(welcome(roomInfo("a"), roomInfo("b")));
  await settle();
  assert.deepEqual(joins(), ["b 50", "a 0"]);
  unsubscribe();
});

test("joins the room that is shown first, and the others without their messages", async () => {
  store.welcome(welcome(roomInfo("a"), roomInfo("b"), roomInfo("c")));
  await settle();
  assert.deepEqual(joins(), ["a 0", "b 0", "c 0"]);
  store.show(store.get("b"));
  store.disconnected();
  commands.length = 0;
  store.welcome(welcome(roomInfo("a"), roomInfo("b"), roomInfo("c")));
  await settle();
  assert.deepEqual(joins(), ["b 50", "a 0", "c 0"]);
});

test("joins many rooms in portions", async () => {
  let open = 0;
  let most = 0;
  replies.join = ({ room }) => {
    open += 1;
    most = Math.max(most, open);
    queueMicrotask(() => (open -= 1));
    return { type: "joined", room, status: "fresh", epoch: "e1", seq: 0, oldest: 1 };
  };
  store.welcome(welcome(...Array.from({ length: 120 }, (_, index) => roomInfo(`r${index}`))));
  for (let count = 0; count < 20; count += 1) await settle();
  assert.equal(joins().length, 120);
  assert.ok(most <= 50, String(most));
});

test("counts what arrives, and mentions of the user and of everyone", async () => {
  store.welcome(welcome(roomInfo("a")));
  await settle();
  store.receive(messageIn("a", 1));
  store.receive(messageIn("a", 2, { mentions: [SELF.id] }));
  store.receive(messageIn("a", 3, { mentions_room: true }));
  store.receive(messageIn("a", 4, { user: SELF }));
  assert.deepEqual(countsOf("a"), [3, 2]);
  assert.deepEqual(heard, ["a 1", "a 2", "a 3"]);
  store.get("a").reading.mark(2);
  assert.deepEqual(countsOf("a"), [1, 1]);
  store.receive({ type: "read", room: "a", seq: 4 });
  assert.deepEqual(countsOf("a"), [0, 0]);
});

test("takes the server's count for what it has not loaded", async () => {
  replies.join = ({ room }) => ({ type: "joined", room, status: "fresh", epoch: "e1", seq: 9, oldest: 1 });
  replies.unread = () => ({ type: "unread", rooms: [{ room: "a", unread: 7, mentions: 1 }] });
  store.welcome(welcome(roomInfo("a", { seq: 9, read: 2 })));
  await settle();
  assert.deepEqual(countsOf("a"), [7, 1]);
  replies.unread = () => ({ type: "unread", rooms: [{ room: "a", unread: 4, mentions: 0 }] });
  store.receive({ type: "read", room: "a", seq: 5 });
  await clock.advance(500);
  await settle();
  assert.deepEqual(countsOf("a"), [4, 0]);
});

test("follows rooms that are added, changed and removed", async () => {
  store.welcome(welcome(roomInfo("a")));
  await settle();
  store.receive({ type: "room_added", room: roomInfo("b") });
  store.receive({ type: "room_changed", room: roomInfo("a", { name: "atrium" }) });
  await settle();
  assert.deepEqual(
    store.rooms.map(({ title }) => title),
    ["atrium", "b"],
  );
  assert.ok(joins().includes("b 0"));
  const room = store.get("b");
  store.show(room);
  store.receive({ type: "room_removed", room: "b", banned_until: null });
  assert.deepEqual([store.shown, room.bannedUntil], [null, null]);
  assert.equal(store.get("b"), null);
  assert.deepEqual(heard, ["b removed"]);
});

test("forgets rooms that are not in the next welcome", async () => {
  store.welcome(welcome(roomInfo("a"), roomInfo("b")));
  await settle();
  store.disconnected();
  store.welcome(welcome(roomInfo("b")));
  assert.equal(store.get("a"), null);
  assert.deepEqual(heard, ["a removed"]);
});

test("knows who is online from presence and from who", async () => {
  const info = roomInfo("d", { kind: "direct", name: "", users: [GRACE, { id: "u3", name: "linus" }] });
  replies.who = () => ({ users: [SELF, GRACE], total: 2 });
  store.welcome(welcome(info));
  for (let count = 0; count < 5; count += 1) await settle();
  assert.deepEqual([store.isOnline(GRACE.id), store.isOnline("u3"), store.isOnline("stranger")], [true, false, null]);
  store.receive({ type: "presence", room: "d", online: true }); // not known to this page: ignored
  store.receive({ type: "presence", room: "d", user: GRACE, online: false });
  assert.equal(store.isOnline(GRACE.id), false);
  store.disconnected();
  assert.equal(store.isOnline(GRACE.id), null);
});
