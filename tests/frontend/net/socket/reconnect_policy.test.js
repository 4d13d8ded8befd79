import assert from "node:assert/strict";
import test from "node:test";

import { ReconnectPolicy } from "../../../../frontend/modules/net/socket/reconnect_policy.js";

/** Return what `delay` answers to each [recovery, now, serverDelayMs]; ["opened", now] is a welcome. */
function delaysOf(calls, random = 1) {
  const policy = new ReconnectPolicy({ random: () => random });
  const delays = [];
  for (const [recovery, now, serverDelayMs] of calls) {
    if (recovery === "opened") policy.opened(now, serverDelayMs);
    else delays.push(policy.delay(recovery, now, serverDelayMs ?? null));
  }
  return delays;
}

const repeat = (count, recovery) => Array.from({ length: count }, () => [recovery, 0]);

test("is back within 3 s of a server that is ready again, however long it was away", () => {
  assert.deepEqual(delaysOf(repeat(5, "retry")), [1000, 2000, 3000, 3000, 3000]);
});

test("spreads over the time that a server with many sockets names", () => {
  const calls = [["opened", 0, 20_000], ...Array.from({ length: 6 }, () => ["retry", 60_000])];
  assert.deepEqual(delaysOf(calls), [1000, 2000, 4000, 8000, 16_000, 20_000]);
});

test("doubles the bound up to half a minute for a server that is overloaded", () => {
  assert.deepEqual(delaysOf(repeat(6, "back_off")), [3000, 4000, 6000, 10_000, 18_000, 32_000]);
});

test("chooses any delay below the bound", () => {
  assert.deepEqual(delaysOf(repeat(3, "retry"), 0), [0, 0, 0]);
  assert.deepEqual(delaysOf(repeat(3, "retry"), 0.25), [250, 500, 750]);
});

test("uses the delay that a draining server names", () => {
  assert.deepEqual(
    delaysOf([
      ["retry", 0, 4321],
      ["retry", 0],
    ]),
    [4321, 2000],
  );
});

test("reconnects a slow reader at once, but not in a loop", () => {
  assert.deepEqual(delaysOf(repeat(3, "retry_now")), [0, 2000, 3000]);
});

test("waits at least the floor after back_off", () => {
  assert.deepEqual(delaysOf([["back_off", 0]], 0), [2000]);
});

test("starts over after a connection that lived for a while", () => {
  assert.deepEqual(
    delaysOf([
      ["retry", 0],
      ["retry", 0],
      ["opened", 1000],
      ["retry", 12_000],
    ]),
    [1000, 2000, 1000],
  );
});

test("keeps backing off from a server that accepts and closes at once", () => {
  const calls = [
    ["opened", 0],
    ["retry", 10],
    ["opened", 20],
    ["retry", 30],
    ["opened", 40],
    ["retry", 50],
  ];
  assert.deepEqual(delaysOf(calls), [1000, 2000, 4000]);
});
