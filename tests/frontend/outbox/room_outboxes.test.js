import assert from "node:assert/strict";
import test from "node:test";

import { RoomOutboxes } from "../../../frontend/modules/outbox/room_outboxes.js";
import { FakeClock } from "../support/clock.js";

test("counts what a sign-out would discard: unsent messages of this tab and of the others", async () => {
  const stored = [
    { cid: "here", room: "lobby", state: "pending" },
    { cid: "acknowledged", room: "lobby", state: "pending" }, // its copy on disk is deleted in a moment
    { cid: "in another tab", room: "lobby", state: "pending" },
    { cid: "refused in another tab", room: "garden", state: "failed" },
  ];
  let all = async () => stored;
  const storage = { all: async () => [], ofAllTabs: () => all() };
  const outboxes = new RoomOutboxes({ storage, owner: "ada", clock: new FakeClock() });
  outboxes.add("lobby", {
    items: [
      { cid: "here", state: "pending" },
      { cid: "acknowledged", state: "sent" },
      { cid: "not stored", state: "failed" },
    ],
  });
  assert.equal(await outboxes.countUnsent(), 4);
  all = async () => {
    throw new Error("the disk does not answer");
  };
  assert.equal(await outboxes.countUnsent(), 2);
  outboxes.close();
});
