import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { closeAllLayers, closeLayer, openLayer, watchHistory } from "../../../frontend/modules/ui/layers.js";

/** A history whose `go` arrives at once. */
class FakeHistory {
  entries = [null];
  #onPop = (_event) => {};

  constructor() {
    globalThis.window = { addEventListener: (_type, listener) => (this.#onPop = listener) };
  }

  pushState(state) {
    this.entries.push(state);
  }

  go(steps) {
    this.entries.splice(this.entries.length + steps);
    this.#onPop({ state: this.entries.at(-1) });
  }
}

beforeEach(() => {
  globalThis.history = new FakeHistory();
  watchHistory();
});
afterEach(() => {
  delete globalThis.window;
  delete globalThis.history;
});

test("Back closes the topmost layer only", () => {
  const closed = [];
  openLayer(() => closed.push("drawer"));
  openLayer(() => closed.push("dialog"));
  history.go(-1);
  assert.deepEqual(closed, ["dialog"]);
  closeAllLayers();
  assert.deepEqual(closed, ["dialog", "drawer"]);
  assert.equal(history.entries.length, 1);
});

test("a layer that stays open after Back has an entry again, and is closed when the session ends", () => {
  let [asked, closed] = [0, 0];
  const close = () => (closed += 1);
  const onBack = () => {
    asked += 1;
    openLayer(close, onBack);
  };
  openLayer(close, onBack);
  history.go(-1);
  assert.deepEqual([asked, closed, history.entries.length], [1, 0, 2]);
  history.go(-1);
  assert.deepEqual([asked, closed, history.entries.length], [2, 0, 2]);
  closeAllLayers();
  assert.deepEqual([asked, closed, history.entries.length], [2, 1, 1]);
});

test("closing a layer closes those above it", () => {
  const closed = [];
  const closeDrawer = () => closed.push("drawer");
  openLayer(closeDrawer);
  openLayer(() => closed.push("dialog"));
  closeLayer(closeDrawer);
  assert.deepEqual([closed, history.entries.length], [["dialog"], 1]);
});
