import assert from "node:assert/strict";
import test from "node:test";

import { Announcer } from "../../../frontend/modules/conversation/announcer.js";
import { FakeClock } from "../support/clock.js";

test("speaks at once, then once per pause, and many messages by their number", async () => {
  const clock = new FakeClock();
  const region = { textContent: "" };
  const announcer = new Announcer(region, clock);
  announcer.add({ name: "ada", text: "one" });
  assert.equal(region.textContent, "ada: one");
  announcer.add({ name: "ada", text: "two" });
  announcer.add({ name: "grace", text: "x".repeat(5_000) });
  assert.equal(region.textContent, "ada: one");
  await clock.advance(1_500);
  assert.match(region.textContent, /^ada: two\ngrace: x{300}$/u);
  for (let index = 0; index < 40; index += 1) announcer.add({ name: "ada", text: `${index}` });
  await clock.advance(1_500);
  assert.equal(region.textContent, "40 new messages");
  announcer.close();
  assert.equal(region.textContent, "");
});
