/** The server removes the comments of the modules with patterns: the code must stay the same, token by token. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { acorn } from "../support/packages.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const STRIP_ALL = `
import json
from cloudchat.page.build import read_directory
from cloudchat.page.javascript import strip_comments
from cloudchat.resources import frontend_directory
files = read_directory(frontend_directory())
print(json.dumps({path: strip_comments(text.decode()) for path, text in files.items() if path.endswith(".js")}))
`;

function tokensOf(source) {
  const tokens = [];
  acorn.parse(source, { ecmaVersion: "latest", sourceType: "module", onToken: tokens });
  return tokens.map(({ type, value }) => [type.label, typeof value === "object" ? String(value.value) : value]);
}

test("modules without comments have the same code", () => {
  const output = execFileSync(`${ROOT}.venv/bin/python`, ["-c", STRIP_ALL], { maxBuffer: 1e8 });
  const stripped = JSON.parse(output.toString());
  assert.ok(Object.keys(stripped).length > 100);
  for (const [path, code] of Object.entries(stripped)) {
    assert.deepEqual(tokensOf(code), tokensOf(readFileSync(`${ROOT}frontend/${path}`, "utf8")), path);
  }
});
