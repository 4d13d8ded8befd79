import assert from "node:assert/strict";
import test from "node:test";

import { showPasswordHint } from "../../../frontend/modules/passwords/password_hint.js";
import { byId } from "../../../frontend/modules/ui/dom.js";
import { FakeClock, settle } from "../support/clock.js";
import { openPage } from "../support/dom.js";

function open() {
  openPage();
  const clock = new FakeClock();
  const input = document.getElementById("next-password");
  const rule = byId("next-password-hint");
  rule.textContent = "The rule.";
  const render = showPasswordHint({ input, username: () => "ada", clock });
  const type = (value) => {
    input.value = value;
    input.dispatchEvent(new Event("input"));
  };
  return { clock, input, rule, render, type, spoken: () => rule.nextElementSibling.textContent };
}

test("advice replaces the rule while something is typed", async () => {
  const { input, rule, type } = open();
  type("five purple");
  assert.match(rule.textContent, /^ 4 characters are missing\./u);
  assert.equal(rule.querySelector("meter").value, 0);
  type("five purple kettles sing");
  assert.equal(rule.textContent, " Good: hard to guess.");
  assert.equal(rule.querySelector("meter").value, 3);
  input.form.reset();
  await settle();
  assert.equal(rule.textContent, "The rule.");
});

test("a screen reader hears the advice when the typing pauses", async () => {
  const { clock, type, spoken } = open();
  for (const value of ["five", "five purple", "five purple kettles"]) {
    type(value);
    await clock.advance(900);
  }
  assert.equal(spoken(), "");
  await clock.advance(100);
  assert.equal(spoken(), "Good: hard to guess.");
  type("");
  assert.equal(spoken(), "");
});

test("there is no advice while the rule is hidden, as in the sign-in", async () => {
  const { clock, rule, render, type, spoken } = open();
  type("five purple kettles sing");
  rule.hidden = true;
  render();
  await clock.advance(1_000);
  assert.equal(rule.textContent, "The rule.");
  assert.equal(spoken(), "");
});
