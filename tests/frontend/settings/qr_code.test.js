import assert from "node:assert/strict";
import test from "node:test";

import { qrPath } from "../../../frontend/modules/settings/qr_code.js";

/** Fill the rectangles of a path. tests/browser/test_account.py lets a real browser fill it. */
function fill(path, size) {
  const rows = Array.from({ length: size }, () => Array(size).fill("0"));
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/gu)) {
    rows[Number(y)].fill("1", Number(x), Number(x) + Number(width));
  }
  return rows.map((row) => row.join(""));
}

test("draws every dark module and no light one", () => {
  const rows = ["00000", "01110", "00010", "01010", "00000"];
  assert.deepEqual(fill(qrPath(rows), 5), rows);
});

test("draws one rectangle per run of dark modules", () => {
  assert.equal(qrPath(["01110"]), "M1 0h3v1h-3z");
});
