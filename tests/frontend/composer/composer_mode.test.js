import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ComposerMode } from "../../../frontend/modules/composer/composer_mode.js";
import { byId } from "../../../frontend/modules/ui/dom.js";
import { openPage } from "../support/dom.js";

const MESSAGE = { kind: "message", seq: 7, text: "sent before", user: { id: "u1", name: "ada" } };

let composer;
let mode;

beforeEach(() => {
  openPage();
  composer = {
    text: "half a message",
    note: { announce() {} },
    focus() {},
    setText(text) {
      composer.text = text;
    },
  };
  mode = new ComposerMode(byId("composer"), {}, () => composer);
});

test("shows what is written in another tab", () => {
  mode.draftChanged("half a message, and more");
  assert.equal(composer.text, "half a message, and more");
});

test("a draft that was sent in another tab does not come back after an edit", () => {
  mode.edit(MESSAGE);
  mode.draftChanged("");
  assert.equal(composer.text, "sent before");
  mode.cancel();
  assert.equal(composer.text, "");
});
