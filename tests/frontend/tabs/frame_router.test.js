import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FrameRouter } from "../../../frontend/modules/tabs/frame_router.js";
import { messageIn, roomInfo, welcome } from "../support/rooms.js";

let router;

beforeEach(() => {
  router = new FrameRouter(welcome(roomInfo("a", { seq: 10, read: 3 }), roomInfo("b")));
});

const route = (frame) => router.route(frame).map(({ to, frame: { type, seq } }) => [to, type, seq]);
const join = (tab, seq, epoch = "e1") => route({ type: "joined", id: `${tab}:1`, room: "a", seq, epoch, oldest: 1 });

test("gives a replay to the tab that joined, and what is new to all", () => {
  assert.deepEqual(join("t1", 11), [["t1", "joined", 11]]);
  assert.deepEqual(route(messageIn("a", 9)), [["t1", "message", 9]]);
  assert.deepEqual(route(messageIn("a", 10)), [["t1", "message", 10]]);
  assert.deepEqual(route(messageIn("a", 11)), [[null, "message", 11]]); // appended while the tab joined
  assert.deepEqual(route(messageIn("a", 12)), [[null, "message", 12]]);
  join("t2", 12);
  assert.deepEqual(route(messageIn("a", 12)), [["t2", "message", 12]]);
});

test("gives replayed events of earlier epochs to the tab that joined", () => {
  join("t1", 10, "e2");
  assert.deepEqual(route(messageIn("a", 10)), [["t1", "message", 10]]);
  assert.deepEqual(route(messageIn("a", 11, { epoch: "e2" })), [[null, "message", 11]]);
  assert.deepEqual(router.welcome.rooms[0].epoch, "e2");
});

test("gives live events of a new numbering to all tabs", () => {
  join("t1", 10);
  assert.deepEqual(route(messageIn("a", 11, { epoch: "e2" })), [[null, "message", 11]]);
});

test("keeps replies to the connection's own commands from the tabs", () => {
  assert.deepEqual(route({ type: "pong", id: "7" }), []);
});

test("describes the rooms as they are now", () => {
  route(messageIn("a", 11));
  route({ type: "ack", id: "t1:4", room: "a", seq: 9 });
  route({ type: "room_removed", room: "b" });
  route({ type: "room_added", room: roomInfo("c") });
  route({ type: "room_changed", room: roomInfo("c", { name: "see" }) });
  assert.deepEqual(
    router.welcome.rooms.map(({ id, name, seq, read }) => [id, name, seq, read]),
    [
      ["a", "a", 11, 9],
      ["c", "see", 0, 0],
    ],
  );
});
