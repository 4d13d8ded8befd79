import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { NextFrame } from "../../../frontend/modules/ui/next_frame.js";

let frames;
let rendered;
let abort;

beforeEach(() => {
  frames = [];
  rendered = 0;
  abort = new AbortController();
  globalThis.requestAnimationFrame = (callback) => frames.push(callback);
});

afterEach(() => {
  delete globalThis.requestAnimationFrame;
});

function nextFrame() {
  return new NextFrame(() => (rendered += 1), abort.signal);
}

/** Let a frame pass, which a page draws even if nothing was requested. */
function passFrame() {
  for (const callback of frames.splice(0)) callback();
}

test("renders once per frame", () => {
  const one = nextFrame();
  one.schedule();
  one.schedule();
  assert.ok(one.isScheduled);
  passFrame();
  assert.equal(rendered, 1);
  assert.ok(!one.isScheduled);
  passFrame();
  assert.equal(rendered, 1);
});

test("renders nothing after the end", () => {
  const one = nextFrame();
  one.schedule();
  abort.abort();
  passFrame();
  one.schedule();
  passFrame();
  assert.equal(rendered, 0);
});
