import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { PacedFrames } from "../../../frontend/modules/ui/paced_frames.js";

const FRAME_MS = 16;

let now;
let frames;
let afterFrame;
let rendered;
let renderMs;
let abort;

beforeEach(() => {
  now = 1_000;
  frames = [];
  rendered = [];
  renderMs = 0;
  abort = new AbortController();
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(performance, "now", () => now);
  mock.method(globalThis, "MessageChannel", function channel() {
    const port1 = { onmessage: () => {} };
    return { port1, port2: { postMessage: () => (afterFrame = () => port1.onmessage()) } };
  });
  globalThis.requestAnimationFrame = (callback) => frames.push(callback);
});

afterEach(() => {
  mock.reset();
  delete globalThis.requestAnimationFrame;
});

function paced() {
  return new PacedFrames(() => {
    rendered.push(now);
    now += renderMs;
  }, abort.signal);
}

/** Let time pass until the next frame, which a page draws even if nothing was requested. */
function passFrame() {
  now += FRAME_MS;
  mock.timers.tick(FRAME_MS);
  for (const callback of frames.splice(0)) callback(now);
  afterFrame?.();
  afterFrame = undefined;
}

test("renders once per frame", () => {
  const one = paced();
  one.schedule();
  one.schedule();
  assert.ok(one.isScheduled);
  passFrame();
  assert.equal(rendered.length, 1);
  assert.ok(!one.isScheduled);
  passFrame();
  assert.equal(rendered.length, 1);
});

test("after a long frame, pauses for twice as long, and for a quarter of a second at most", () => {
  const one = paced();
  for (const [ms, pauseMs] of [
    [40, 80],
    [1_000, 250],
  ]) {
    rendered = [];
    renderMs = ms;
    one.schedule();
    while (rendered.length === 0) passFrame();
    const renderedUntil = now;
    one.schedule();
    while (rendered.length === 1) passFrame();
    const waited = rendered[1] - renderedUntil;
    assert.ok(waited >= pauseMs && waited < pauseMs + 3 * FRAME_MS, `waited ${waited} ms after ${ms} ms`);
    now += 10_000;
  }
});

test("renders nothing after the end", () => {
  const one = paced();
  one.schedule();
  abort.abort();
  passFrame();
  one.schedule();
  passFrame();
  assert.equal(rendered.length, 0);
});
