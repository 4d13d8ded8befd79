import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { repeatCheck, TabOutbox } from "../../../frontend/modules/outbox/tab_outbox.js";
import { TabPresence } from "../../../frontend/modules/tabs/tab_presence.js";
import { FakeClock, settle } from "../support/clock.js";

let clock;
/** Channels of the open tabs: a message reaches all but its sender. */
let channels;

beforeEach(() => {
  clock = new FakeClock();
  channels = new Set();
});

function openTab(id, onLeft = () => {}) {
  const channel = {
    postMessage: (data) =>
      [...channels].filter((other) => other !== channel).forEach((other) => other.onmessage({ data })),
    close: () => channels.delete(channel),
  };
  channels.add(channel);
  return new TabPresence({ id, clock, onLeft, channel });
}

async function findLive(presence) {
  const live = presence.findLive();
  await clock.advance(500);
  return [...(await live)].sort();
}

test("finds the open tabs, and not those that were closed", async () => {
  const left = [];
  const [first, second] = [openTab("a", () => left.push("a")), openTab("b")];
  assert.deepEqual(await findLive(first), ["a", "b"]);
  second.close();
  assert.deepEqual(left, ["a"]);
  assert.deepEqual(await findLive(first), ["a"]);
});

test("asks the other tabs only if the disk has messages of other tabs", async () => {
  let stored = [{ cid: "1", tab: "me" }];
  const claims = [];
  const storage = {
    all: async () => stored,
    claim: async (...args) => {
      claims.push(args);
      return stored;
    },
  };
  let asked = 0;
  const presence = {
    async findLive() {
      asked += 1;
      return new Set(["me"]);
    },
  };
  const outbox = new TabOutbox({ storage, presence, tab: "me" });
  assert.deepEqual(await outbox.all("ada"), []);
  assert.equal(asked, 0);
  stored = [{ cid: "1", tab: "gone" }];
  assert.deepEqual(await outbox.all("ada"), stored);
  assert.deepEqual(claims, [["ada", "me", new Set(["me"])]]);
});

test("checks every few seconds, at once when a tab leaves, and one check at a time", async () => {
  let running = 0;
  let finish = () => {};
  const check = repeatCheck(clock, () => {
    running += 1;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  await clock.advance(3_000);
  assert.equal(running, 1);
  check.runNow();
  await clock.advance(60_000);
  assert.equal(running, 1);
  finish();
  await settle();
  check.runNow();
  assert.equal(running, 2);
  finish();
  await settle();
  check.stop();
  await clock.advance(60_000);
  assert.equal(running, 2);
});
