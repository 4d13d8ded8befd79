import assert from "node:assert/strict";
import { test } from "node:test";

import { RoomOutboxes } from "../../../frontend/modules/outbox/room_outboxes.js";
import { FakeClock } from "../support/clock.js";

test("counts the unsent messages of all tabs once", async () => {
  const stored = ["other tab", "pending", "acknowledged"].map((cid) => ({ cid }));
  const storage = { allOfTabs: async () => stored };
  const outboxes = new RoomOutboxes({ storage, owner: "ada", clock: new FakeClock() });
  const items = [
    { cid: "pending", state: "pending" },
    { cid: "not stored", state: "failed" },
    { cid: "acknowledged", state: "sent" },
  ];
  outboxes.add("lobby", { items });
  assert.equal(await outboxes.countUnsent(), 3);
  storage.allOfTabs = async () => Promise.reject(new Error("the disk did not answer lately"));
  assert.equal(await outboxes.countUnsent(), 2);
});
