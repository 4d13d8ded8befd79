import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { confirmButton, requireConfirmation } from "../../../frontend/modules/ui/confirm_button.js";
import { openPage } from "../support/dom.js";

beforeEach(openPage);

const click = (node, detail = 1) => node.dispatchEvent(new MouseEvent("click", { detail }));

test("does not take a double click for an answer", () => {
  let count = 0;
  const node = confirmButton("End", "End session?", () => {
    count += 1;
  });
  document.body.append(node);
  const found = [1, 2, 3, 1].map((detail) => {
    click(node, detail);
    return [count, node.textContent];
  });
  assert.deepEqual(found, [
    [0, "End session?"],
    [0, "End session?"],
    [0, "End session?"],
    [1, "End"],
  ]);
});

test("forgets the first press when the button loses the focus", () => {
  let count = 0;
  const node = confirmButton("End", "End session?", () => {
    count += 1;
  });
  document.body.append(node);
  click(node);
  node.blur();
  assert.equal(node.textContent, "End");
  click(node);
  assert.equal(count, 0);
});

test("acts at once if there is nothing to confirm", () => {
  let count = 0;
  const node = document.getElementById("sign-out");
  requireConfirmation(
    node,
    () => null,
    () => {
      count += 1;
    },
  );
  click(node);
  assert.equal(count, 1);
});
