import assert from "node:assert/strict";
import test from "node:test";

import { canDraft, writingNote } from "../../../frontend/modules/composer/writing_note.js";

test("says why nothing can be sent, and for how long", () => {
  assert.equal(writingNote({ state: "allowed", until: null }, 0), "");
  assert.match(writingNote({ state: "slow_mode", until: 61_500 }, 1_000), /in 1 min 1 s/u);
  assert.match(writingNote({ state: "muted", until: 3_000 }, 1_000), /in 2 s/u);
  assert.match(writingNote({ state: "muted", until: null }, 0), /muted/u);
  for (const state of ["archived", "reader", "disconnected_for_good"]) {
    assert.notEqual(writingNote({ state, until: null }, 0), "");
    assert.equal(canDraft({ state, until: null }), false);
  }
  assert.equal(canDraft({ state: "slow_mode", until: 1 }), true);
});
