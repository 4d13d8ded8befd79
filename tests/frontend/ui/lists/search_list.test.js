import assert from "node:assert/strict";
import test from "node:test";

import { SearchList } from "../../../../frontend/modules/ui/lists/search_list.js";
import { element } from "../../../../frontend/modules/ui/dom.js";
import { FakeClock, settle } from "../../support/clock.js";
import { openPage } from "../../support/dom.js";

/** A list in a page. `pages` has the answers by their cursor; an Error is thrown. */
async function openList(pages, options = {}) {
  openPage();
  const clock = new FakeClock();
  const list = new SearchList({
    clock,
    label: "Name",
    listLabel: "People",
    empty: "No one has this name.",
    load: async (query, cursor) => {
      const page = pages[cursor ?? "first"];
      if (page instanceof Error) throw page;
      return page;
    },
    renderItem: (name) => [element("button", {}, name)],
    ...options,
  });
  document.body.append(list.node);
  await settle();
  const button = (label) => [...list.node.querySelectorAll("button")].find((node) => node.textContent === label);
  return { list, clock, button, status: list.node.querySelector("[role=status]") };
}

test("offers to try again after a failure, and moves the focus to what was loaded then", async () => {
  const pages = { first: new Error("Check your connection, then try again.") };
  const { button, status } = await openList(pages);
  assert.equal(status.textContent, "Check your connection, then try again.");
  button("Try again").click();
  await settle();
  assert.equal(document.activeElement, button("Try again"));
  pages.first = { items: ["ada"], next: "second" };
  pages.second = new Error("Check your connection, then try again.");
  button("Try again").click();
  await settle();
  assert.equal(button("Try again").hidden, true);
  assert.equal(document.activeElement, button("ada"));
});

test("tries a later page again without losing the earlier ones", async () => {
  const pages = { first: { items: ["ada"], next: "second" }, second: new Error("No network.") };
  const { button } = await openList(pages);
  button("Show more").click();
  await settle();
  assert.equal(button("Show more").hidden, true);
  pages.second = { items: ["bob"], next: null };
  button("Try again").click();
  await settle();
  assert.ok(button("ada"));
  assert.equal(document.activeElement, button("bob"));
});

test("asks for a name instead of saying that no one has an empty one", async () => {
  const { list, status } = await openList({ first: { items: [], next: null } }, { prompt: "Enter a name." });
  assert.equal(status.textContent, "Enter a name.");
  list.node.querySelector("input").value = "zo";
  await list.reload();
  assert.equal(status.textContent, "No one has this name.");
});

test("keeps the rows that are pressed until the press has been clicked", async () => {
  const pages = { first: { items: ["ada"], next: null } };
  const { list, clock, button } = await openList(pages);
  const pressed = button("ada");
  pressed.dispatchEvent(new MouseEvent("pointerdown", { bubbles: true }));
  pages.first = { items: ["ada", "bob"], next: null };
  list.reload();
  await settle();
  pressed.dispatchEvent(new MouseEvent("pointerup", { bubbles: true }));
  await settle();
  assert.equal(button("ada"), pressed);
  await clock.advance(100);
  assert.notEqual(button("ada"), pressed);
  assert.ok(button("bob"));
});

test("shows only the last answer after a press during which there were several", async () => {
  const pages = { first: { items: ["ada"], next: null } };
  const { list, clock, button } = await openList(pages);
  button("ada").dispatchEvent(new MouseEvent("pointerdown", { bubbles: true }));
  for (const name of ["bob", "carl"]) {
    pages.first = { items: [name], next: null };
    list.reload();
    await settle();
  }
  window.dispatchEvent(new MouseEvent("pointerup"));
  await clock.advance(100);
  assert.equal(button("bob"), undefined);
  assert.ok(button("carl"));
});
