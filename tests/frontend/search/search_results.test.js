import assert from "node:assert/strict";
import test from "node:test";

import { ApiError } from "../../../frontend/modules/net/http/api.js";
import { SearchResults } from "../../../frontend/modules/search/search_results.js";
import { element } from "../../../frontend/modules/ui/dom.js";
import { openPage } from "../support/dom.js";

const NONE = { phase: "found", hits: [], next: null, error: null, waitSeconds: 0 };
const hit = (seq, text = "hello", highlights = []) => ({
  room: "lobby",
  seq,
  user: { id: "u1", name: "ada" },
  text,
  at: "2026-11-22T10:00:00Z",
  highlights,
});

/** The results in a page, and what was asked for. */
function openResults() {
  openPage();
  const asked = [];
  const words = element("input");
  const results = new SearchResults({
    roomTitle: (id) => `title of ${id}`,
    words,
    onMore: () => asked.push("more"),
    onRetry: () => asked.push("retry"),
  });
  document.body.append(words, results.node);
  const links = () => [...results.node.querySelectorAll("a")];
  const button = (label) => [...results.node.querySelectorAll("button")].find((node) => node.textContent === label);
  const press = (key) =>
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  return { results, words, asked, links, button, press, status: results.node.querySelector("[role=status]") };
}

test("shows author, room and text, with the matches marked and no markup from the text", () => {
  const { results, links, status } = openResults();
  results.show({ ...NONE, hits: [hit(7, "🚀 <b>go</b>", [[5, 7]])] });
  const [link] = links();
  assert.equal(link.getAttribute("href"), "#/room/lobby/7");
  assert.match(link.textContent, /^adain title of lobby.*🚀 <b>go<\/b>$/u);
  assert.equal(link.querySelector("mark").textContent, "go");
  assert.equal(link.querySelector("b"), null);
  assert.equal(status.textContent, "1 message");
});

test("arrow keys move between the results and back to the words", () => {
  const { results, words, links, press } = openResults();
  results.show({ ...NONE, hits: [hit(3), hit(2), hit(1)] });
  results.focusFirst();
  press("ArrowDown");
  assert.equal(document.activeElement, links()[1]);
  press("End");
  press("ArrowDown");
  assert.equal(document.activeElement, links()[2]);
  press("Home");
  assert.equal(document.activeElement, links()[0]);
  press("ArrowUp");
  assert.equal(document.activeElement, words);
});

test("the focus of a result that is gone moves to the words", () => {
  const { results, words } = openResults();
  results.show({ ...NONE, hits: [hit(3)] });
  results.focusFirst();
  results.show(NONE);
  assert.equal(document.activeElement, words);
});

test("the next page follows the first one, and its first result gets the focus", () => {
  const { results, asked, links, button, status } = openResults();
  const first = [hit(3), hit(2)];
  results.show({ ...NONE, hits: first, next: "c1" });
  assert.equal(status.textContent, "The newest 2 messages");
  const more = button("Show more");
  const [kept] = links();
  more.focus();
  more.click();
  results.show({ ...NONE, phase: "searching", hits: first, next: "c1" });
  assert.equal(document.activeElement, more);
  results.show({ ...NONE, hits: [...first, hit(1)] });
  assert.deepEqual(asked, ["more"]);
  assert.equal(links()[0], kept);
  assert.equal(document.activeElement, links()[2]);
  assert.equal(more.hidden, true);
});

test("says what failed, and counts down without speaking each second", () => {
  const { results, asked, button } = openResults();
  const alert = results.node.querySelector("[role=alert]");
  results.show({ ...NONE, phase: "failed", error: new ApiError(0, {}) });
  assert.match(alert.textContent, /^The server cannot be reached\./u);
  button("Try again").click();
  assert.deepEqual(asked, ["retry"]);
  const error = new ApiError(429, { message: "too many searches" });
  results.show({ ...NONE, phase: "waiting", error, waitSeconds: 3 });
  const spoken = alert.firstChild;
  results.show({ ...NONE, phase: "waiting", error, waitSeconds: 2 });
  assert.equal(alert.textContent, "Too many searches. The search is repeated in 2 s.");
  assert.equal(alert.firstChild, spoken);
  assert.equal(button("Try again").hidden, true);
  results.show(NONE);
  assert.equal(alert.hidden, true);
});
