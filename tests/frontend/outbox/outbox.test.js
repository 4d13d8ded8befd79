import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Outbox, OutboxFull } from "../../../frontend/modules/outbox/outbox.js";
import { CommandError } from "../../../frontend/modules/net/socket/pending_requests.js";
import { FakeClock, settle } from "../support/clock.js";

const HOUR_MS = 3_600_000;

let clock;
let disk;
let storage;
let sent;
let isPast;
let answer;

beforeEach(() => {
  clock = new FakeClock();
  disk = new Map();
  storage = {
    all: async (owner) => [...disk.values()].filter((item) => item.owner === owner),
    put: async (item) => void disk.set(item.cid, item),
    remove: async (cid) => void disk.delete(cid),
  };
  sent = [];
  isPast = () => false;
  answer = () => ({ epoch: "e1", seq: sent.length });
});

async function openOutbox(owner = "ada") {
  let next = 0;
  const outbox = new Outbox({
    scope: { owner, room: "lobby" },
    storage,
    clock,
    random: () => 0.5,
    isPast: (position) => isPast(position),
    listener: { onChange() {}, onFailed() {} },
    newCid: () => `${owner}${disk.size}-${next++}`,
    send: async (item) => {
      sent.push(item.text);
      return answer(item);
    },
  });
  outbox.restore(await storage.all(owner).catch(() => []));
  return outbox;
}

function refuse(details) {
  throw new CommandError({ code: "x", message: "no", retryable: false, ...details });
}

const statesOf = (outbox) => outbox.items.map(({ text, state }) => `${text} ${state}`);

test("sends messages that were written offline in order once connected", async () => {
  const outbox = await openOutbox();
  for (const text of ["a", "b", "c"]) await outbox.add(text);
  assert.deepEqual([sent.length, disk.size], [0, 3]);
  outbox.connected();
  await settle();
  assert.deepEqual(sent, ["a", "b", "c"]);
  assert.deepEqual(statesOf(outbox), ["a sent", "b sent", "c sent"]);
  assert.equal(disk.size, 0);
});

test("sends one message at a time", async () => {
  answer = () => new Promise(() => {});
  const outbox = await openOutbox();
  outbox.connected();
  for (const text of ["a", "b"]) await outbox.add(text);
  await settle();
  assert.deepEqual(sent, ["a"]);
});

test("tells how long messages wait for a rate limit", async () => {
  const outbox = await openOutbox();
  let refusals = 1;
  answer = () =>
    refusals-- > 0
      ? refuse({ code: "rate_limited", retryable: true, retry_after_ms: 2_000 })
      : { epoch: "e1", seq: sent.length };
  for (const text of ["a", "b", "c"]) await outbox.add(text);
  assert.equal(outbox.delays.size, 0);
  outbox.connected();
  await settle();
  assert.deepEqual([...outbox.delays.values()], [2_000, 4_000, 6_000]);
  await clock.advance(1_000);
  assert.deepEqual([...outbox.delays.values()], [1_000, 3_000, 5_000]);
  await clock.advance(1_000);
  await settle();
  assert.deepEqual([statesOf(outbox), outbox.delays.size], [["a sent", "b sent", "c sent"], 0]);
});

test("sends the same cid again after a lost connection", async () => {
  const cids = [];
  const outbox = await openOutbox();
  answer = (item) => {
    cids.push(item.cid);
    outbox.disconnected();
    return refuse({ code: "lost", retryable: true });
  };
  outbox.connected();
  await outbox.add("a");
  await clock.advance(60_000);
  answer = (item) => {
    cids.push(item.cid);
    return { epoch: "e1", seq: 1 };
  };
  outbox.connected();
  await settle();
  assert.equal(cids.length, 2);
  assert.equal(cids[0], cids[1]);
  assert.deepEqual(statesOf(outbox), ["a sent"]);
});

test("continues after a reload", async () => {
  const first = await openOutbox();
  for (const text of ["a", "b"]) await first.add(text);
  const second = await openOutbox();
  second.connected();
  await settle();
  assert.deepEqual(sent, ["a", "b"]);
  assert.equal(new Set([...first.items, ...second.items].map(({ cid }) => cid)).size, 2);
});

test("never sends the messages of another user", async () => {
  await (await openOutbox("ada")).add("ada's");
  const outbox = await openOutbox("grace");
  outbox.connected();
  await settle();
  assert.deepEqual(sent, []);
  assert.equal(outbox.items.length, 0);
});

test("waits as long as the server asks after a retryable error, and keeps the order", async () => {
  answer = () => refuse({ retryable: true, retry_after_ms: 5000 });
  const outbox = await openOutbox();
  outbox.connected();
  for (const text of ["a", "b"]) await outbox.add(text);
  await clock.advance(4999);
  assert.deepEqual(sent, ["a"]);
  answer = () => ({ epoch: "e1", seq: 1 });
  await clock.advance(1);
  assert.deepEqual(sent, ["a", "a", "b"]);
});

test("keeps a refused message visible and sends the next one", async () => {
  answer = (item) => (item.text === "bad" ? refuse({ message: "too long" }) : { epoch: "e", seq: 1 });
  const outbox = await openOutbox();
  outbox.connected();
  for (const text of ["bad", "good"]) await outbox.add(text);
  await settle();
  const state = outbox.items.map(({ text, state: name, reason }) => [text, name, reason]);
  assert.deepEqual(state, [
    ["bad", "failed", "Too long."],
    ["good", "sent", undefined],
  ]);
  const { cid } = outbox.items[0];
  assert.ok(disk.has(cid));
  await outbox.retry(cid);
  await settle();
  assert.deepEqual(sent, ["bad", "good", "bad"]);
  await outbox.remove(cid);
  assert.deepEqual(statesOf(outbox), ["good sent"]);
  assert.equal(disk.size, 0);
});

test("removes a message when its event arrives before the ack or instead of it", async () => {
  const outbox = await openOutbox();
  let acknowledge;
  answer = () =>
    new Promise((resolve) => {
      acknowledge = resolve;
    });
  outbox.connected();
  await outbox.add("a");
  await settle();
  await outbox.confirm(outbox.items[0].cid);
  assert.deepEqual(statesOf(outbox), []);
  acknowledge({ epoch: "e1", seq: 1 });
  await settle();
  assert.deepEqual(statesOf(outbox), []);
  assert.equal(disk.size, 0);
});

test("removes an acknowledged message when its position is past", async () => {
  const outbox = await openOutbox();
  outbox.connected();
  await outbox.add("a");
  await settle();
  outbox.removePast();
  assert.deepEqual(statesOf(outbox), ["a sent"]);
  isPast = ({ epoch, seq }) => epoch === "e1" && seq <= 1;
  outbox.removePast();
  assert.deepEqual(statesOf(outbox), []);
});

test("removes a message at once if its ack is for a position that is past", async () => {
  // The first ack was lost, many messages followed, and the page was reloaded: the event will not arrive.
  isPast = () => true;
  const outbox = await openOutbox();
  outbox.connected();
  await outbox.add("a");
  await settle();
  assert.deepEqual(sent, ["a"]);
  assert.deepEqual(statesOf(outbox), []);
  assert.equal(disk.size, 0);
});

for (const isReadLate of [false, true]) {
  test(`keeps a message once that is written before the disk answers (read ${isReadLate ? "after" : "before"} it)`, async () => {
    await (await openOutbox()).add("earlier");
    const early = [...disk.values()];
    const listener = { onChange() {}, onFailed() {} };
    const scope = { owner: "ada", room: "lobby" };
    const outbox = new Outbox({ scope, storage, clock, newCid: () => "late", isPast, send: answer, listener });
    await outbox.add("meanwhile");
    outbox.restore(isReadLate ? [...disk.values()] : early);
    assert.deepEqual(statesOf(outbox), ["earlier pending", "meanwhile pending"]);
  });
}

test("asks the person about a message that was tried longer ago than the server remembers its cid", async () => {
  const first = await openOutbox();
  await first.add("untried");
  clock.jump(30 * HOUR_MS);
  const outbox = await openOutbox();
  answer = () => {
    outbox.disconnected();
    return refuse({ retryable: true });
  };
  outbox.connected();
  await settle();
  assert.deepEqual(statesOf(outbox), ["untried pending"]);
  assert.equal(sent.length, 1);
  clock.jump(24 * HOUR_MS);
  outbox.connected();
  await settle();
  assert.deepEqual(statesOf(outbox), ["untried failed"]);
});

test("refuses a message when it is full", async () => {
  const outbox = await openOutbox();
  for (let count = 0; count < 200; count += 1) await outbox.add(`${count}`);
  await assert.rejects(outbox.add("one too many"), OutboxFull);
});

test("sends a message although the disk refuses it", async (t) => {
  t.mock.method(console, "warn", () => {});
  storage.put = storage.remove = storage.all = () => Promise.reject(new Error("quota"));
  const outbox = await openOutbox();
  outbox.connected();
  await outbox.add("a");
  await settle();
  assert.deepEqual(sent, ["a"]);
  assert.deepEqual(statesOf(outbox), ["a sent"]);
});
