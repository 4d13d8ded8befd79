import assert from "node:assert/strict";
import test from "node:test";

process.env.TZ = "Europe/Berlin";
const { NO_FILTERS, searchParameters } = await import("../../../frontend/modules/search/search_filters.js");

test("sends only the filters that are set", () => {
  assert.equal(
    searchParameters({ ...NO_FILTERS, words: "  café -closed " }, null).toString(),
    "q=caf%C3%A9+-closed&limit=20",
  );
  const parameters = searchParameters(
    { ...NO_FILTERS, words: "a", room: "lobby", author: { id: "u1", name: "ada" } },
    "17",
  );
  assert.deepEqual(Object.fromEntries(parameters), { q: "a", limit: "20", room: "lobby", user: "u1", cursor: "17" });
});

test("takes the days of the reader, both included", () => {
  const parameters = searchParameters({ ...NO_FILTERS, words: "a", since: "2026-10-25", until: "2026-10-25" }, null);
  assert.equal(parameters.get("since"), "2026-10-24T22:00:00.000Z");
  // This day has 25 hours: summer time ends.
  assert.equal(parameters.get("until"), "2026-10-25T23:00:00.000Z");
});
