import assert from "node:assert/strict";
import test from "node:test";

import { newCid } from "../../../frontend/modules/chat/cid.js";

const UUID_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;

test("returns a new random UUID each time", () => {
  const cids = [newCid(), newCid()];
  for (const cid of cids) assert.match(cid, UUID_4);
  assert.equal(new Set(cids).size, 2);
});

test("returns UUIDs without randomUUID, as on plain http in a local network", () => {
  const source = { getRandomValues: (bytes) => crypto.getRandomValues(bytes) };
  const cids = Array.from({ length: 50 }, () => newCid(source));
  for (const cid of cids) assert.match(cid, UUID_4);
  assert.equal(new Set(cids).size, 50);
});
