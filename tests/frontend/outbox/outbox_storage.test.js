import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openOutboxStorage } from "../../../frontend/modules/outbox/outbox_storage.js";
import { systemClock } from "../../../frontend/modules/clock.js";
import { FakeClock } from "../support/clock.js";
import { IDBFactory } from "../support/packages.js";

// tests/browser/test_session_faults.py and test_sign_in.py use the IndexedDB of a real browser.
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const item = (owner, text) => ({ cid: `${owner} ${text}`, owner, text });
const textsOf = async (storage, owner) => (await storage.all(owner)).map(({ text }) => text);
const countDatabases = async () => (await indexedDB.databases()).length;

test("deletes the messages of the user who signs out, and keeps those of others", async () => {
  const storage = await openOutboxStorage(systemClock);
  await storage.put(item("ada", "a"));
  await storage.put(item("grace", "b"));
  await storage.clear("ada");
  assert.deepEqual(await textsOf(storage, "ada"), []);
  assert.deepEqual(await textsOf(storage, "grace"), ["b"]);
  assert.equal(await countDatabases(), 1);
  await storage.clear("grace");
  assert.equal(await countDatabases(), 0);
});

test("continues after another tab deleted the database", async () => {
  const storage = await openOutboxStorage(systemClock);
  const other = await openOutboxStorage(systemClock);
  await storage.put(item("ada", "a"));
  await other.clear("ada");
  await storage.put(item("ada", "b"));
  assert.deepEqual(await textsOf(storage, "ada"), ["b"]);
});

test("keeps messages in memory if the browser has no IndexedDB", async (t) => {
  t.mock.method(console, "warn", () => {});
  globalThis.indexedDB = {
    open: () => {
      throw new Error("not allowed in this window");
    },
  };
  const storage = await openOutboxStorage(systemClock);
  await storage.put(item("ada", "a"));
  assert.deepEqual(await textsOf(storage, "ada"), ["a"]);
  await storage.clear("ada");
  assert.deepEqual(await textsOf(storage, "ada"), []);
});

test("keeps messages in memory if the database does not open", async (t) => {
  t.mock.method(console, "warn", () => {});
  const clock = new FakeClock();
  globalThis.indexedDB = { open: () => ({}) }; // another tab blocks it: no event ever comes
  const opening = openOutboxStorage(clock);
  await clock.advance(3_000);
  const storage = await opening;
  assert.equal(storage.isDurable, false);
  await storage.put(item("ada", "a"));
  assert.deepEqual(await textsOf(storage, "ada"), ["a"]);
});

test("does not wait for a disk that hangs", async () => {
  const clock = new FakeClock();
  const opening = openOutboxStorage(clock);
  for (let turns = 0; turns < 50; turns += 1) await clock.advance(0);
  const storage = await opening;
  assert.equal(storage.isDurable, true);
  const other = await openOutboxStorage(systemClock);
  await other.clear("nobody"); // the database is gone and the next open hangs
  globalThis.indexedDB = { open: () => ({}) };
  const stored = assert.rejects(storage.put(item("ada", "a")), { message: /no answer/u });
  await clock.advance(3_000);
  await stored;
  await assert.rejects(storage.put(item("ada", "b")), { message: /lately/u });
});

test("gives the messages of closed tabs to one tab only", async () => {
  const storage = await openOutboxStorage(systemClock);
  for (const tab of ["closed", "open", undefined]) await storage.put({ ...item("ada", `${tab}`), tab });
  await storage.put({ ...item("grace", "hers"), tab: "closed" });
  const live = new Set(["open", "t1", "t2"]);
  const claims = await Promise.all(["t1", "t2"].map((tab) => storage.claim("ada", tab, live)));
  assert.deepEqual(claims.map((claimed) => claimed.map(({ text }) => text).sort()).flat(), ["closed", "undefined"]);
  assert.equal(claims.filter((claimed) => claimed.length > 0).length, 1);
});
