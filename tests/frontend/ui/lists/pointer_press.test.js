import assert from "node:assert/strict";
import test from "node:test";

import { element } from "../../../../frontend/modules/ui/dom.js";
import { PointerPress } from "../../../../frontend/modules/ui/lists/pointer_press.js";
import { FakeClock, settle } from "../../support/clock.js";
import { openPage } from "../../support/dom.js";

/** A pressed button. `isOver()` tells whether something that waited since then could go on. */
async function press(options = {}) {
  openPage();
  const clock = new FakeClock();
  const node = element("button", {}, "ada");
  document.body.append(node);
  const pointer = new PointerPress(node, clock);
  const down = () => node.dispatchEvent(new MouseEvent("pointerdown", { bubbles: true, ...options }));
  down();
  let isOver = false;
  pointer.ended().then(() => (isOver = true));
  return {
    clock,
    down,
    async isOver() {
      await settle();
      return isOver;
    },
  };
}

const leave = (options) => document.documentElement.dispatchEvent(new MouseEvent("pointerleave", options));

test("a press is over some time after its release, because a finger clicks later", async () => {
  const { clock, isOver } = await press();
  window.dispatchEvent(new MouseEvent("pointerup"));
  leave({ buttons: 0 });
  await clock.advance(99);
  assert.equal(await isOver(), false);
  await clock.advance(1);
  assert.equal(await isOver(), true);
});

test("a press is over when it has been clicked", async () => {
  const { isOver } = await press();
  window.dispatchEvent(new MouseEvent("pointerup"));
  document.querySelector("button").click();
  assert.equal(await isOver(), true);
});

test("the second press of a double click is waited for, too", async () => {
  const { clock, down, isOver } = await press();
  window.dispatchEvent(new MouseEvent("pointerup"));
  down();
  await clock.advance(1000);
  assert.equal(await isOver(), false);
  window.dispatchEvent(new MouseEvent("pointerup"));
  await clock.advance(100);
  assert.equal(await isOver(), true);
});

for (const [name, end] of [
  ["is canceled, as when a finger scrolls", () => window.dispatchEvent(new MouseEvent("pointercancel"))],
  ["leaves the window", () => leave({ buttons: 1 })],
  ["goes on while another window comes to the front", () => window.dispatchEvent(new Event("blur"))],
]) {
  test(`a press that ${name} is over at once`, async () => {
    const { isOver } = await press();
    assert.equal(await isOver(), false);
    end();
    assert.equal(await isOver(), true);
  });
}

test("only the main button of a mouse presses", async () => {
  const { isOver } = await press({ button: 2 });
  assert.equal(await isOver(), true);
});
