/** No text for people stands in a module or in index.html: it would be in one language only. */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import test from "node:test";

import { en } from "../../../frontend/modules/strings/en/index.js";
import { JSDOM } from "../support/dom.js";
import { acorn } from "../support/packages.js";

const FRONTEND = new URL("../../../frontend/", import.meta.url);
/** Names of properties and attributes that people see or hear. */
const VISIBLE = new Set([
  ...["aria-label", "alt", "placeholder", "title", "label", "listLabel", "hint", "lead", "question", "submit"],
  ...["empty", "more", "done", "action", "message", "reason", "retryLabel", "textContent"],
]);
/** Functions whose strings are for developers. */
const FOR_DEVELOPERS = new Set(["TypeError", "RangeError", "warn", "error", "querySelector", "querySelectorAll"]);
/** Not words of a language. */
const ALLOWED = new Set([
  "cloudchat",
  "Enter",
  "Shift",
  "Alt",
  "Esc",
  "Ctrl",
  "—",
  "unreachable: the last delay is infinite",
]);

const hasWord = (string) => /\p{L}{2,}/u.test(string);
const isSentence = (string) => /^\p{Lu}\p{L}* \p{Ll}/u.test(string) && /\p{Ll} \p{Ll}/u.test(string);

/** Return the strings of a module that a person may see. */
function literalsOf(source) {
  const found = [];
  visit(acorn.parse(source, { ecmaVersion: "latest", sourceType: "module" }), [], found);
  return found.filter((string) => !ALLOWED.has(string));
}

function visit(node, parents, found) {
  if (Array.isArray(node)) for (const one of node) visit(one, parents, found);
  if (node === null || typeof node !== "object" || typeof node.type !== "string") return;
  const string = stringOf(node);
  if (string !== null && isVisible(string, node, parents)) found.push(string);
  if (node.type === "CallExpression" || node.type === "NewExpression") {
    const name = node.callee.name ?? node.callee.property?.name;
    if (name === "text" || FOR_DEVELOPERS.has(name)) return;
  }
  for (const [key, child] of Object.entries(node)) {
    if (key !== "type") visit(child, [{ node, key }, ...parents], found);
  }
}

function stringOf(node) {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  return node.type === "TemplateElement" ? node.value.cooked : null;
}

function isVisible(string, node, parents) {
  if (isSentence(string)) return true;
  if (!hasWord(string)) return false;
  const [{ node: parent, key }] = parents;
  if (parent.type === "Property" && key === "value") {
    return VISIBLE.has(parent.key.name ?? parent.key.value) && !string.includes(".");
  }
  if (parent.type === "AssignmentExpression" && key === "right") return VISIBLE.has(parent.left.property?.name);
  if (parent.type !== "CallExpression" && parent.type !== "NewExpression") return false;
  const position = parent.arguments?.indexOf(node);
  const name = parent.callee.name;
  return (
    (name === "element" && position >= 2) ||
    (name === "button" && position === 0) ||
    (position === 0 && /Error$/u.test(name))
  );
}

test("finds what it looks for", () => {
  const source = `
    element("p", { class: "a b" }, "Seen");
    button("Press", f, { "aria-label": "Press it" });
    node.title = "Title"; const LONG = "You can read this.";
    throw new Error("no luck"); console.warn("Not for people at all."); text("shell.close");`;
  assert.deepEqual(literalsOf(source), ["Seen", "Press", "Press it", "Title", "You can read this.", "no luck"]);
});

test("no module has a text for people", () => {
  const modules = globSync(["script.js", "modules/**/*.js"], { cwd: FRONTEND.pathname });
  const found = modules
    .filter((name) => !/^modules\/(strings|emoji\/data_)/u.test(name))
    .flatMap((name) => literalsOf(readFileSync(new URL(name, FRONTEND), "utf8")).map((string) => `${name}: ${string}`));
  assert.deepEqual(found, []);
});

test("index.html has texts by their keys only", () => {
  const { document } = new JSDOM(readFileSync(new URL("index.html", FRONTEND), "utf8")).window;
  for (const node of document.querySelectorAll("noscript, title, script, style")) node.remove();
  const texts = [...document.body.querySelectorAll("*")].filter(({ childNodes }) =>
    [...childNodes].some((child) => child.nodeType === 3 && hasWord(child.data)),
  );
  assert.deepEqual(
    texts.map(({ textContent }) => textContent.trim()),
    ["cloudchat…", "cloudchat"],
  );
  for (const name of ["aria-label", "title", "placeholder"]) assert.equal(document.querySelector(`[${name}]`), null);
  const keys = ["text", "label"].flatMap((name) =>
    [...document.querySelectorAll(`[data-${name}]`)].map((node) => node.getAttribute(`data-${name}`)),
  );
  assert.deepEqual(
    keys.filter((key) => !Object.hasOwn(en, key)),
    [],
  );
});
