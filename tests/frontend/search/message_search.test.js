import assert from "node:assert/strict";
import test from "node:test";

import { ApiError } from "../../../frontend/modules/net/http/api.js";
import { MessageSearch } from "../../../frontend/modules/search/message_search.js";
import { NO_FILTERS } from "../../../frontend/modules/search/search_filters.js";
import { FakeClock, settle } from "../support/clock.js";

const hit = (seq) => ({ room: "lobby", seq, text: "x", highlights: [] });

/** A search whose requests the test answers. */
function openSearch() {
  const clock = new FakeClock();
  const requests = [];
  const states = [];
  const search = new MessageSearch({
    clock,
    load(parameters) {
      const { promise, resolve, reject } = Promise.withResolvers();
      requests.push({ parameters, resolve, reject });
      return promise;
    },
    onChange: (state) => states.push(state),
  });
  return { clock, requests, search, state: () => states.at(-1) };
}

test("searches once after the last key", async () => {
  const { clock, requests, search, state } = openSearch();
  search.schedule({ ...NO_FILTERS, words: "to" });
  await clock.advance(200);
  search.schedule({ ...NO_FILTERS, words: "tom" });
  await clock.advance(200);
  assert.equal(requests.length, 0);
  await clock.advance(100);
  assert.deepEqual(
    requests.map(({ parameters }) => parameters.get("q")),
    ["tom"],
  );
  assert.equal(state().phase, "searching");
  requests[0].resolve({ hits: [hit(2), hit(1)], next: null });
  await settle();
  assert.equal(state().phase, "found");
  assert.deepEqual(state().hits, [hit(2), hit(1)]);
});

test("discards the answer to an earlier search, and everything once there are no words", async () => {
  const { requests, search, state } = openSearch();
  search.search({ ...NO_FILTERS, words: "one" });
  search.search({ ...NO_FILTERS, words: "two" });
  requests[1].resolve({ hits: [hit(2)], next: null });
  requests[0].resolve({ hits: [hit(1)], next: null });
  await settle();
  assert.deepEqual(state().hits, [hit(2)]);
  search.search({ ...NO_FILTERS, words: "three" });
  search.schedule({ ...NO_FILTERS, words: " " });
  requests[2].resolve({ hits: [hit(3)], next: null });
  await settle();
  assert.deepEqual([state().phase, state().hits], ["idle", []]);
});

test("appends the next page, and repeats a page that failed", async () => {
  const { requests, search, state } = openSearch();
  search.search({ ...NO_FILTERS, words: "one" });
  requests[0].resolve({ hits: [hit(3)], next: "c1" });
  await settle();
  search.loadMore();
  search.loadMore(); // pressed twice
  assert.equal(requests.length, 2);
  requests[1].reject(new ApiError(0, {}));
  await settle();
  assert.deepEqual([state().phase, state().hits], ["failed", [hit(3)]]);
  search.retry();
  assert.equal(requests[2].parameters.get("cursor"), "c1");
  requests[2].resolve({ hits: [hit(2)], next: null });
  await settle();
  assert.deepEqual([state().hits, state().next, state().error], [[hit(3), hit(2)], null, null]);
});

test("a refused search removes the hits of the one before", async () => {
  const { requests, search, state } = openSearch();
  search.search({ ...NO_FILTERS, words: "one" });
  requests[0].resolve({ hits: [hit(3)], next: null });
  await settle();
  search.search({ ...NO_FILTERS, words: "-one" });
  requests[1].reject(new ApiError(422, { message: "write at least one word", field: "q" }));
  await settle();
  assert.deepEqual([state().phase, state().hits], ["failed", []]);
  assert.equal(state().error.message, "Write at least one word.");
});

test("waits as long as the server asks, then searches for what was typed last", async () => {
  const { clock, requests, search, state } = openSearch();
  search.search({ ...NO_FILTERS, words: "one" });
  requests[0].reject(new ApiError(429, { message: "too many searches", retry_after_ms: 2500 }));
  await settle();
  assert.deepEqual([state().phase, state().waitSeconds], ["waiting", 3]);
  await clock.advance(1000);
  assert.equal(state().waitSeconds, 2);
  search.schedule({ ...NO_FILTERS, words: "two" });
  await clock.advance(1000);
  assert.equal(requests.length, 1);
  await clock.advance(1000);
  assert.equal(requests[1].parameters.get("q"), "two");
  requests[1].resolve({ hits: [], next: null });
  await settle();
  assert.equal(state().phase, "found");
});

test("does nothing after it was closed", async () => {
  const { clock, requests, search, state } = openSearch();
  search.schedule({ ...NO_FILTERS, words: "one" });
  search.close();
  await clock.advance(1000);
  assert.equal(requests.length, 0);
  assert.equal(state(), undefined);
});
