import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { prefetchRooms } from "../../../frontend/modules/offline/room_prefetch.js";
import { FakeClock } from "../support/clock.js";
import { messageIn, openStore, roomInfo, welcome } from "../support/rooms.js";

let clock;
let store;
let commands;
let replies;
let leaving;

beforeEach(() => {
  clock = new FakeClock();
  leaving = new AbortController();
  const onAllJoined = () => void prefetchRooms({ store, clock, signal: leaving.signal });
  ({ store, commands, replies } = openStore(clock, { onAllJoined }));
  replies.join = ({ room, after }) => {
    const status = after === undefined ? "gap" : "recovered";
    return { type: "joined", room, status, epoch: "e1", seq: 9, oldest: 1 };
  };
  replies.history = ({ room }) => ({
    type: "history",
    room,
    epoch: "e1",
    as_of: 9,
    events: [8, 9].map((seq) => messageIn(room, seq)),
    more_before: true,
    more_after: false,
  });
});

afterEach(() => Reflect.deleteProperty(navigator, "connection"));

const loaded = () => commands.filter(({ type }) => type === "history").map(({ room }) => room);

async function connect(...rooms) {
  store.welcome(welcome(...rooms));
  await clock.advance(60_000);
}

test("loads a page of each room that has nothing, first of those that are likely to be read", async () => {
  replies.unread = () => ({ type: "unread", rooms: [{ room: "c", unread: 2, mentions: 0 }] });
  await connect(
    roomInfo("a", { seq: 9 }),
    roomInfo("b", { seq: 9, archived: true }),
    roomInfo("c", { seq: 9 }),
    roomInfo("d", { seq: 9, kind: "direct", users: [] }),
  );
  assert.deepEqual(loaded(), ["c", "d", "a", "b"]);
  assert.deepEqual(
    store.get("a").log.items.map(({ seq }) => seq),
    [8, 9],
  );
  store.disconnected();
  await connect(roomInfo("a", { seq: 9 }), roomInfo("c", { seq: 9 }));
  assert.equal(loaded().length, 4);
});

test("loads 30 rooms, one at a time", async () => {
  await connect(...Array.from({ length: 40 }, (_, index) => roomInfo(`r${index}`, { seq: 9 })));
  assert.equal(loaded().length, 30);
});

test("ends when the connection is lost, and when the chat is left", async () => {
  const reply = replies.history;
  replies.history = () => undefined;
  await connect(roomInfo("a", { seq: 9 }), roomInfo("b", { seq: 9 }));
  assert.deepEqual(loaded(), ["a"]);
  replies.history = reply;
  store.disconnected();
  leaving.abort();
  await connect(roomInfo("a", { seq: 9 }), roomInfo("b", { seq: 9 }));
  assert.deepEqual(loaded(), ["a"]);
});

test("loads nothing when the person saves data", async () => {
  Object.defineProperty(navigator, "connection", { value: { saveData: true }, configurable: true });
  await connect(roomInfo("a", { seq: 9 }));
  assert.deepEqual(loaded(), []);
});
