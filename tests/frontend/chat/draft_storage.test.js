import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { DraftStorage } from "../../../frontend/modules/chat/draft_storage.js";
import { JSDOM } from "../support/dom.js";

let storage;
let drafts;
let window;

beforeEach(() => {
  ({ window } = new JSDOM("", { url: "http://localhost/" }));
  storage = window.localStorage;
  drafts = new DraftStorage(storage);
});

test("keeps one draft per user and room", () => {
  drafts.set("ada", "lobby", "a");
  drafts.set("grace", "lobby", "b");
  const reloaded = new DraftStorage(storage);
  assert.equal(reloaded.get("ada", "lobby"), "a");
  assert.equal(reloaded.get("grace", "lobby"), "b");
  assert.equal(reloaded.get("ada", "other"), "");
});

test("deletes the drafts of one user, and nothing else", () => {
  storage.setItem("cloudchat.signed_in", "1");
  drafts.set("ada", "lobby", "a");
  drafts.set("ada", "other", "b");
  drafts.set("ada2", "lobby", "c");
  assert.equal(drafts.count("ada"), 2);
  drafts.set("ada", "other", " ");
  assert.equal(drafts.count("ada"), 1);
  drafts.clear("ada");
  assert.equal(drafts.count("ada"), 0);
  assert.deepEqual(
    [drafts.get("ada", "lobby"), drafts.get("ada", "other"), drafts.get("ada2", "lobby")],
    ["", "", "c"],
  );
  assert.equal(storage.length, 2);
});

test("deletes an empty draft", () => {
  drafts.set("ada", "lobby", "a");
  drafts.set("ada", "lobby", "");
  assert.equal(storage.length, 0);
});

test("keeps drafts in memory without a storage, and when it is full", () => {
  const full = { getItem: () => null, removeItem() {}, key: () => null, length: 0 };
  full.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  for (const unusable of [null, full]) {
    const inMemory = new DraftStorage(unusable);
    inMemory.set("ada", "lobby", "a");
    assert.equal(inMemory.get("ada", "lobby"), "a");
    inMemory.set("ada", "lobby", "");
    assert.equal(inMemory.get("ada", "lobby"), "");
    inMemory.set("ada", "lobby", "a");
    assert.equal(inMemory.count("ada"), 1);
    inMemory.clear("ada");
    assert.equal(inMemory.get("ada", "lobby"), "");
  }
});

test("tells what is stored now when another tab writes, and nothing after the end", () => {
  globalThis.window = window;
  const heard = [];
  const abort = new window.AbortController();
  drafts.watch("ada", "lobby", (text) => heard.push(text), abort.signal);
  const written = (key, newValue) => window.dispatchEvent(new window.StorageEvent("storage", { key, newValue }));
  storage.setItem("cloudchat.draft.ada.lobby", "abc");
  written("cloudchat.draft.ada.lobby", "ab");
  written("cloudchat.draft.ada.other", "x");
  storage.removeItem("cloudchat.draft.ada.lobby");
  written("cloudchat.draft.ada.lobby", null);
  abort.abort();
  written("cloudchat.draft.ada.lobby", "late");
  assert.deepEqual(heard, ["abc", ""]);
});
