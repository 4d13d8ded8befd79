import assert from "node:assert/strict";
import { before, test } from "node:test";

import { renderOther } from "../../../frontend/modules/conversation/other_rows.js";
import { openPage } from "../support/dom.js";

const [ADA, GRACE] = ["ada", "grace"].map((name) => ({ id: name, name }));

before(openPage);

function noticeText(item, context = {}) {
  const row = { kind: "notice", key: "1", item: { target: null, value: "", ...item } };
  const node = renderOther(row, { selfId: ADA.id, isDirect: false, ...context });
  return node.textContent.replaceAll(/[\u2068\u2069]/gu, "");
}

test("tells who created a room, and who started a direct conversation", () => {
  assert.equal(noticeText({ notice: "created", user: ADA }), "You created this room.");
  assert.equal(noticeText({ notice: "created", user: GRACE }), "grace created this room.");
  assert.equal(noticeText({ notice: "created", user: ADA }, { isDirect: true }), "You started this conversation.");
  assert.equal(noticeText({ notice: "created", user: GRACE }, { isDirect: true }), "grace started this conversation.");
});

test("tells the user what others did with them", () => {
  assert.equal(noticeText({ notice: "added", user: GRACE, target: ADA }), "grace added you.");
  assert.equal(noticeText({ notice: "removed", user: ADA, target: GRACE }), "You removed grace.");
});
