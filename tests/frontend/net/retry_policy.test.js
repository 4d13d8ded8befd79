import assert from "node:assert/strict";
import test from "node:test";

import { RetryPolicy } from "../../../frontend/modules/net/retry_policy.js";

const policy = (random = 1) => new RetryPolicy({ random: () => random });

test("doubles the bound up to half a minute", () => {
  const retries = policy();
  const delays = Array.from({ length: 7 }, () => retries.delay(0));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("counts on after a success that did not last, and starts over after one that did", () => {
  const retries = policy();
  assert.equal(retries.delay(0), 1000);
  retries.succeeded(100);
  assert.equal(retries.delay(200), 2000);
  retries.succeeded(300);
  retries.succeeded(9_000); // a success while it lasts
  assert.equal(retries.delay(10_300), 1000);
});

test("does not wait after the first failure only", () => {
  const retries = policy();
  assert.deepEqual(
    [1, 2, 3].map(() => retries.delay(0, { isFirstImmediate: true })),
    [0, 2000, 4000],
  );
});

test("waits as long as the server asks, but never repeats without a pause", () => {
  const retries = policy(0);
  assert.equal(retries.delay(0, { retryAfterMs: 5000 }), 5000);
  assert.equal(retries.delay(0, { retryAfterMs: 0 }), 250);
});
