import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Composer } from "../../../frontend/modules/chat/composer.js";
import { settle } from "../support/clock.js";
import { openPage } from "../support/dom.js";

let composer;
let sent;
let send;
let draft;
let note;
let announcement;

beforeEach(() => {
  openPage();
  document.getElementById("chat").hidden = false;
  sent = [];
  send = async (text) => void sent.push(text);
  composer = new Composer((text) => send(text));
  draft = document.getElementById("draft");
  note = document.getElementById("composer-note");
  announcement = document.getElementById("composer-announcement");
});

afterEach(() => composer.close());

function type(text) {
  draft.value = text;
  draft.dispatchEvent(new Event("input"));
}

function pressEnter(options) {
  draft.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", cancelable: true, ...options }));
}

// Safari reports the Enter that ends a composition after its end: only the key code tells.
for (const options of [{ shiftKey: true }, { isComposing: true }, { keyCode: 229 }]) {
  test(`does not send on Enter with ${JSON.stringify(options)}`, () => {
    type("a");
    pressEnter(options);
    assert.deepEqual(sent, []);
    pressEnter();
    assert.deepEqual(sent, ["a"]);
  });
}

test("removes invisible characters that the server would refuse", () => {
  type("a\u0007b\tc\nd\u009be");
  pressEnter();
  assert.deepEqual(sent, ["ab\tc\nde"]);
});

test("shows the count with every key, and announces it at a few lengths", () => {
  composer.setMaxLength(100);
  const shown = [];
  const announced = [];
  const observer = new MutationObserver(() => {});
  observer.observe(announcement, { childList: true });
  for (const length of [80, 81, 82, 90, 96, 97, 101, 102, 100]) {
    type("x".repeat(length));
    shown.push(note.textContent);
    if (observer.takeRecords().length > 0) announced.push(announcement.textContent);
  }
  assert.deepEqual(shown.slice(0, 3), ["", "19 characters left", "18 characters left"]);
  assert.deepEqual(announced, ["19 characters left", "4 characters left", "1 character too long", "0 characters left"]);
});

test("restores the text with the reason if the outbox is full", async () => {
  send = async () => {
    throw new Error("Too many.");
  };
  type("a");
  pressEnter();
  await settle();
  assert.deepEqual([draft.value, note.textContent, announcement.textContent], ["a", "Too many.", "Too many."]);
});

test("returns the focus to the box after a press on the button", () => {
  // On a phone the keyboard stays open only while the box has the focus.
  type("a");
  const button = document.querySelector("#composer [type=submit]");
  button.focus();
  button.click();
  assert.deepEqual(sent, ["a"]);
  assert.equal(document.activeElement, draft);
});
