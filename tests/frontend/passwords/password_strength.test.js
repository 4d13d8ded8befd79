import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { strengthOf } from "../../../frontend/modules/passwords/password_strength.js";

/** The server's policy is run against the same passwords (tests/unit/auth/passwords/test_policy.py). */
const CASES = JSON.parse(readFileSync(new URL("../../fixtures/passwords.json", import.meta.url), "utf8"));

for (const [verdict, passwords] of Object.entries(CASES)) {
  test(`these passwords are ${verdict}`, () => {
    for (const password of passwords) assert.equal(strengthOf(password, "ada").verdict, verdict, password);
  });
}

test("what is missing is counted in code points of the form in which the server hashes", () => {
  assert.equal(strengthOf("🙂🙂🙂", "ada").missing, 12);
  assert.equal(strengthOf("\uFDFA", "ada").missing, 14); // one character is 18 in NFKC: the fewer ones count
  assert.equal(strengthOf("x".repeat(257), "ada").verdict, "long");
});
