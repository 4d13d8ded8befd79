import assert from "node:assert/strict";
import test from "node:test";

import { formatDay, formatDevice, formatDuration, formatSentence, formatSpan } from "../../frontend/modules/format.js";

const DEVICES = {
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Safari/537.36": "Chrome on Linux",
  "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130 Safari/537.36 Edg/130": "Edge on Windows",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604": "Safari on iPhone",
  "python-httpx/0.28": "python-httpx/0.28",
  "": "Unknown device",
};
for (const [userAgent, name] of Object.entries(DEVICES)) {
  test(`names the device ${name}`, () => assert.equal(formatDevice(userAgent), name));
}

test("shows the year of a day in another year, past or future", () => {
  const now = new Date(2026, 0, 1, 0, 5).getTime();
  assert.equal(formatDay(new Date(2026, 10, 22), now, "en-US"), "Sunday, November 22");
  assert.equal(formatDay(new Date(2025, 11, 31, 23, 59), now, "en-US"), "Wednesday, December 31, 2025");
  assert.equal(formatDay(new Date(2027, 0, 1), now, "en-US"), "Friday, January 1, 2027");
});

test("makes a sentence of a server message", () => {
  assert.equal(formatSentence("you are muted until noon"), "You are muted until noon.");
  assert.equal(formatSentence("Sign in first."), "Sign in first.");
});

test("formats durations in their two largest units", () => {
  const seconds = [59, 125, 3 * 3_600 + 61, 7 * 86_400 + 3_600];
  assert.deepEqual(seconds.map(formatDuration), ["59 s", "2 min 5 s", "3 h 1 min", "7 d 1 h"]);
});

test("names spans of time in the largest unit that divides them", () => {
  const seconds = [5, 60, 90, 3_600, 86_400, 7 * 86_400, 365 * 86_400];
  const names = ["5 seconds", "1 minute", "90 seconds", "1 hour", "1 day", "7 days", "1 year"];
  assert.deepEqual(seconds.map(formatSpan), names);
});
