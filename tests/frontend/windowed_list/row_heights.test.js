import assert from "node:assert/strict";
import test from "node:test";

import { estimateHeight } from "../../../frontend/modules/conversation/rows.js";
import { RowHeights } from "../../../frontend/modules/windowed_list/row_heights.js";

function row(key, text = "short") {
  return { kind: "message", key, startsGroup: false, item: { text, reactions: [] } };
}

function heightOf(heights, index) {
  return heights.top(index + 1) - heights.top(index);
}

test("adds measured and estimated heights", () => {
  const heights = new RowHeights(estimateHeight);
  heights.setRows([row("a"), row("b"), row("c", "long ".repeat(200)), row("d", "\n".repeat(3_000))]);
  const estimated = heights.total;
  assert.equal(heights.top(0), 0);
  assert.ok(heightOf(heights, 2) > 5 * heightOf(heights, 1));
  assert.ok(heightOf(heights, 3) < 600, "a tall message is folded");
  heights.set("b", heightOf(heights, 1) + 100);
  assert.equal(heights.total, estimated + 100);
});

test("finds the row at a place, also beyond the ends", () => {
  const heights = new RowHeights(estimateHeight);
  const keys = Array.from({ length: 1_000 }, (_, index) => `${index}`);
  heights.setRows(keys.map((key) => row(key)));
  for (const key of keys) heights.set(key, 10);
  assert.deepEqual([-5, 0, 9, 10, 5_555, 9_999, 20_000].map((y) => heights.indexAt(y)), [0, 0, 0, 1, 555, 999, 999]); // prettier-ignore
});

test("keeps measured heights while rows come and go, and forgets those of rows that are gone", () => {
  const heights = new RowHeights(estimateHeight);
  heights.setRows([row("a"), row("b")]);
  heights.set("b", 77);
  heights.setRows([row("0"), row("a"), row("b")]);
  assert.equal(heightOf(heights, 2), 77);
  for (let index = 0; index < 5_000; index += 1) heights.set(`old ${index}`, 1);
  heights.setRows([row("b")]);
  assert.equal(heights.total, 77);
  heights.forget();
  assert.notEqual(heights.total, 77);
});
