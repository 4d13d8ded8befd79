import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openOutboxStorage } from "../../../frontend/modules/chat/outbox_storage.js";
import { IDBFactory } from "../support/packages.js";

// tests/browser/test_session_faults.py and test_sign_in.py use the IndexedDB of a real browser.
beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const item = (owner, text) => ({ cid: `${owner} ${text}`, owner, text });
const textsOf = async (storage, owner) => (await storage.all(owner)).map(({ text }) => text);
const countDatabases = async () => (await indexedDB.databases()).length;

test("deletes the messages of the user who signs out, and keeps those of others", async () => {
  const storage = await openOutboxStorage();
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
  const storage = await openOutboxStorage();
  const other = await openOutboxStorage();
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
  const storage = await openOutboxStorage();
  await storage.put(item("ada", "a"));
  assert.deepEqual(await textsOf(storage, "ada"), ["a"]);
  await storage.clear("ada");
  assert.deepEqual(await textsOf(storage, "ada"), []);
});
