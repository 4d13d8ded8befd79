import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Composer } from "../../../frontend/modules/composer/composer.js";
import { settle } from "../support/clock.js";
import { openPage } from "../support/dom.js";

let composer;
let sent;
let send;
let draft;
let note;
let announcement;
let saved;
let hasTouchKeyboard;

beforeEach(() => {
  openPage();
  for (const id of ["chat", "composer"]) document.getElementById(id).hidden = false;
  sent = [];
  send = async (text) => void sent.push(text);
  saved = "";
  hasTouchKeyboard = false;
  composer = openComposer();
  draft = document.getElementById("draft");
  note = document.getElementById("composer-note");
  announcement = document.getElementById("composer-announcement");
});

afterEach(() => composer.close());

function openComposer() {
  return new Composer({
    target: { send: (text) => send(text), save: (text) => void (saved = text), typing() {} },
    draft: saved,
    placeholder: "Message lobby",
    onKey: () => false,
    hasTouchKeyboard: () => hasTouchKeyboard,
  });
}

/** As a browser does: announce the text, and insert it unless that is refused. */
function insert(data, inputType = "insertFromPaste") {
  const event = new InputEvent("beforeinput", { data, inputType, cancelable: true });
  draft.dispatchEvent(event);
  if (event.defaultPrevented) return;
  draft.setRangeText(data, draft.selectionStart, draft.selectionEnd, "end");
  draft.dispatchEvent(new Event("input"));
}

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

for (const text of ["\u200b", "\u2800\n\u3164", " \n\t"]) {
  test(`does not send invisible text: ${JSON.stringify(text)}`, () => {
    type(text);
    pressEnter();
    assert.deepEqual(sent, []);
  });
}

test("removes blank lines at the ends", () => {
  type(`\n\n  a\n\nb${"\n".repeat(3_000)}`);
  pressEnter();
  assert.deepEqual(sent, ["  a\n\nb"]);
});

test("starts a new line on Enter where the keyboard is on the screen", () => {
  composer.close();
  hasTouchKeyboard = true;
  composer = openComposer();
  assert.equal(draft.enterKeyHint, "enter");
  type("a");
  pressEnter();
  assert.deepEqual(sent, []);
  document.querySelector("#composer [type=submit]").click();
  assert.deepEqual(sent, ["a"]);
  type("b");
  pressEnter({ ctrlKey: true });
  assert.deepEqual(sent, ["a", "b"]);
});

test("keeps the draft across a reload, until it is sent", () => {
  type("half a");
  composer.close();
  assert.deepEqual([draft.value, saved], ["", "half a"]);
  composer = openComposer();
  assert.equal(draft.value, "half a");
  pressEnter();
  assert.deepEqual([sent, saved], [["half a"], ""]);
});

for (const inputType of ["insertFromPaste", "insertFromDrop", "insertText"]) {
  test(`refuses what is far too long and keeps the draft: ${inputType}`, () => {
    composer.setMaxLength(100);
    type("before");
    insert("x".repeat(395), inputType);
    assert.deepEqual([draft.value, saved], ["before", "before"]);
    assert.match(note.textContent, /^Not inserted: the message would be 301 characters too long\. .* 100 characters/u);
    assert.equal(announcement.textContent, note.textContent);
    pressEnter();
    assert.deepEqual(sent, ["before"]);
  });
}

test("forbids emoji with the text", () => {
  const emoji = document.getElementById("insert-emoji");
  composer.allowWriting(false);
  assert.ok(emoji.disabled);
  composer.allowWriting(true);
  assert.ok(!emoji.disabled);
});

test("keeps what is a little too long, so that it can be shortened", () => {
  composer.setMaxLength(100);
  type("x".repeat(100));
  draft.setSelectionRange(0, 100);
  insert("👍".repeat(101));
  pressEnter();
  assert.deepEqual([draft.value, sent, note.textContent], ["👍".repeat(101), [], "1 character too long"]);
  assert.ok(note.classList.contains("too-long"));
  composer.setText("short");
  assert.ok(!note.classList.contains("too-long"));
});

test("puts the draft back when megabytes come in any other way", () => {
  type("before");
  type("x".repeat(5_000_000));
  assert.deepEqual([draft.value, saved], ["before", "before"]);
  assert.match(note.textContent, /4996000 characters too long/u);
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

test("keeps what was written while a message was refused", async () => {
  const { promise, reject } = Promise.withResolvers();
  send = () => promise;
  type("a");
  pressEnter();
  type("b");
  reject(new Error("Too many."));
  await settle();
  assert.equal(draft.value, "a\nb");
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
