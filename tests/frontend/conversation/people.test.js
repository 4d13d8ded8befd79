import assert from "node:assert/strict";
import test from "node:test";

import { People } from "../../../frontend/modules/conversation/people.js";

const people = new People([{ id: "u2", name: "Grace" }], { id: "u1", name: "ada" });

test("finds who is mentioned only if the server has resolved the mention", () => {
  const find = people.mentionFinder({ mentions: ["u1", "u2"], mentionsRoom: false });
  assert.deepEqual(find(["grace"]), { name: "grace", isSelf: false });
  assert.deepEqual(find(["ADA.", "ADA"]), { name: "ADA", isSelf: true });
  assert.equal(find(["room"]), null);
  assert.equal(people.mentionFinder({ mentions: [], mentionsRoom: false })(["grace"]), null);
  assert.deepEqual(people.mentionFinder({ mentions: ["u9"], mentionsRoom: true })(["room"]), {
    name: "room",
    isSelf: true,
  });
});

test("knows names, and whether the reader is mentioned", () => {
  assert.equal(people.nameOf("u2"), "Grace");
  assert.equal(people.nameOf("u9"), null);
  assert.equal(people.mentionsSelf({ mentions: ["u2"], mentionsRoom: false }), false);
  assert.equal(people.mentionsSelf({ mentions: ["u1"], mentionsRoom: false }), true);
  assert.equal(people.mentionsSelf({ mentions: [], mentionsRoom: true }), true);
});
