import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { systemClock } from "../../../frontend/modules/clock.js";
import { RoomCache } from "../../../frontend/modules/offline/room_cache.js";
import { FakeClock } from "../support/clock.js";
import { IDBFactory } from "../support/packages.js";
import { messages } from "../support/room.js";
import { roomInfo, SELF } from "../support/rooms.js";

const OTHER = { id: "u9", name: "eve", role: "member" };

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const content = (room) => ({ room, epoch: "e1", events: messages(1, 3), hasOlder: false, members: [] });
const cached = (id, order = 0) => ({ id, order, info: roomInfo(id), unread: 0, mentions: 0 });

function changes(ids, more = {}) {
  return {
    account: { savedAt: 7, shown: ids[0] ?? "" },
    rooms: ids.map(cached),
    contents: ids.map(content),
    left: [],
    ...more,
  };
}

async function openCache(user = SELF, clock = systemClock) {
  const cache = new RoomCache(clock);
  return { cache, account: await cache.open(user) };
}

test("keeps the rooms of a user for the next page, in the order of the server", async () => {
  const { cache, account } = await openCache();
  assert.equal(account, null);
  await cache.write(SELF, changes(["b", "a"]));
  const next = await openCache();
  assert.deepEqual([next.account.user, next.account.savedAt, next.account.shown], [SELF, 7, "b"]);
  assert.deepEqual(
    (await next.cache.rooms()).map(({ id }) => id),
    ["b", "a"],
  );
  assert.deepEqual((await next.cache.content("a")).events, messages(1, 3));
  await next.cache.write(SELF, changes([], { left: ["a"] }));
  assert.deepEqual([(await next.cache.rooms()).length, await next.cache.content("a")], [1, null]);
});

test("shows nothing of it to another user of the browser", async () => {
  const { cache } = await openCache();
  await cache.write(SELF, changes(["a"]));
  const other = await openCache(OTHER);
  assert.equal(other.account, null);
  assert.deepEqual([await other.cache.rooms(), await other.cache.content("a")], [[], null]);
});

test("writes nothing after a sign-out in another tab", async () => {
  const { cache: tab } = await openCache();
  await tab.write(SELF, changes(["a"]));
  const { cache: other } = await openCache();
  await other.clear(SELF.id);
  await tab.write(SELF, changes(["a"]));
  assert.deepEqual([await other.account(), await other.rooms()], [null, []]);
  const { cache: signedInAgain } = await openCache();
  await tab.write(SELF, changes(["a"]));
  assert.deepEqual(await signedInAgain.rooms(), []);
});

test("does not delete what belongs to the user who signed in meanwhile", async () => {
  const { cache } = await openCache();
  const { cache: other } = await openCache(OTHER);
  await other.write(OTHER, changes(["a"]));
  await cache.clear(SELF.id);
  assert.equal((await other.rooms()).length, 1);
});

test("begins nothing if the user signs out while it opens", async () => {
  const cache = new RoomCache(systemClock);
  const opening = cache.open(SELF);
  const clearing = cache.clear(SELF.id);
  await Promise.all([opening, clearing]);
  await cache.write(SELF, changes(["a"]));
  assert.equal((await indexedDB.databases()).length, 0);
});

test("keeps the contents of the 100 rooms that were written last", async () => {
  const clock = new FakeClock();
  const cache = new RoomCache({ ...clock, schedule: systemClock.schedule });
  await cache.open(SELF);
  for (let number = 0; number < 105; number += 1) {
    clock.jump(1);
    await cache.write(SELF, changes([`r${number}`]));
  }
  const kept = await cache.roomsWithContent();
  assert.deepEqual([kept.length, kept.includes("r4"), kept.includes("r5")], [100, false, true]);
  assert.equal((await cache.rooms()).length, 105);
});

test("works without a database, and when the disk is full", async (t) => {
  t.mock.method(console, "warn", () => {});
  const { cache } = await openCache();
  const full = t.mock.method(Object.getPrototypeOf(await storeOf("rooms")), "put", () => {
    throw new DOMException("", "QuotaExceededError");
  });
  await cache.write(SELF, changes(["a"]));
  full.mock.restore();
  assert.equal((await indexedDB.databases()).length, 0);
  globalThis.indexedDB = {
    open: () => {
      throw new Error("not allowed in this window");
    },
  };
  const { cache: none, account } = await openCache();
  await none.write(SELF, changes(["a"]));
  assert.deepEqual([account, await none.rooms(), await none.content("a")], [null, [], null]);
});

function storeOf(name) {
  return new Promise((resolve) => {
    const opening = indexedDB.open("cloudchat.rooms", 1);
    opening.onsuccess = () => {
      resolve(opening.result.transaction(name).objectStore(name));
      opening.result.close();
    };
  });
}
