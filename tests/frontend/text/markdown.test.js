import assert from "node:assert/strict";
import test from "node:test";

import { parseMarkdown } from "../../../frontend/modules/text/markdown.js";

/** The tree as short text: marks around what they contain. */
function show(text) {
  return parseMarkdown(text).map(showBlock).join("|");
}

function showBlock(block) {
  if (block.type === "code") return `code(${block.language}):${block.text}`;
  if (block.type === "quote") return `quote(${block.children.map(showBlock).join("|")})`;
  if (block.type === "list") return showList(block);
  return showInlines(block.children);
}

function showList({ isOrdered, items }) {
  const shown = items.map(
    ({ number, children, lists }) => (number ?? "-") + showInlines(children) + lists.map(showList).join(""),
  );
  return `${isOrdered ? "ol" : "ul"}(${shown.join(",")})`;
}

function showInlines(children) {
  return children.map(showInline).join("");
}

function showInline(child) {
  if (child.type === "text") return child.text;
  if (child.type === "code") return `{${child.text}}`;
  if (child.type === "mention") return `<${child.text}>`;
  if (child.type === "link") return `[${showInlines(child.children)}→${child.href}]`;
  const mark = { strong: "B", emphasis: "I", strike: "S" }[child.type];
  return `${mark}(${showInlines(child.children)})`;
}

const CASES = {
  "plain text": "plain text",
  "**bold** *it* _it_ ~~no~~": "B(bold) I(it) I(it) S(no)",
  "***both*** **a *b* c**": "B(I(both)) B(a I(b) c)",
  '(**a**), "_b_".': '(B(a)), "I(b)".',
  "这是**重点**内容": "这是B(重点)内容",
  // Typed without thinking of markup
  "snake_case_name __init__ _": "snake_case_name __init__ _",
  "2*3*4 2 * 3 * 4 x**2 + y**2": "2*3*4 2 * 3 * 4 x**2 + y**2",
  "¯\\_(ツ)_/¯ ~5 ~ 6~": "¯\\_(ツ)_/¯ ~5 ~ 6~",
  "** a ** **** *": "** a ** **** *",
  "**open *it* and _no": "**open I(it) and _no",
  "*a _b* c_": "I(a _b) c_",
  ">:( <3 #1 -5": ">:( <3 #1 -5",
  "a\n\n\n  b": "a\n\n\n  b",
  // Code
  "`a*b*` ``x ` y`` ` open": "{a*b*} {x ` y} ` open",
  "```js\nlet a = `1`;\n```\nafter": "code(js):let a = `1`;|after",
  "~~~\n**a**\n\n b": "code():**a**\n\n b",
  "````\n```\nx\n```\n````": "code():```\nx\n```",
  "```one line```": "{one line}",
  "before\n\n```\nx\n```\n\nafter": "before|code():x|after",
  // Quotes
  "> a\n> **b**\nc": "quote(a\nB(b))|c",
  "> a\n> > b\n>\n> c": "quote(a|quote(b)|c)",
  "> ```\n> x\n> ```": "quote(code():x)",
  // Lists
  "- a\n- b\n  more\n  - c\n- d": "ul(-a,-b\nmore" + "ul(-c),-d)",
  "2. a\n5) b\n- c": "ol(2a,5b)|ul(-c)",
  "buy:\n* milk\n* **eggs**\n\nthanks": "buy:|ul(-milk,-B(eggs))|thanks",
  // Links and mentions
  "see https://a.example/x_y_z_ *now*": "see [https://a.example/x_y_z→https://a.example/x_y_z]_ I(now)",
  "**https://a.example/**": "B([https://a.example/→https://a.example/])",
  "www.example.org/a_(b).": "[www.example.org/a_(b)→https://www.example.org/a_(b)].",
  "[the *docs*](https://a.example/(x)) ok": "[the I(docs)→https://a.example/(x)] ok",
  "see ![docs](https://a.example/)": "see [docs→https://a.example/]",
  "look![docs](https://a.example/)": "look![docs→https://a.example/]",
  "[bank.example](https://evil.example)": "[bank.example]([https://evil.example→https://evil.example/])",
  "[a](javascript:x) [b](ftp://a.example)": "[a](javascript:x) [b](ftp://a.example)",
  "hi @ada, @grace.h. a@b.example **@ada**": "hi <@ada>, <@grace.h.> a@b.example B(<@ada>)",
  "`@ada` x_@y": "{@ada} x_@y",
};
for (const [text, expected] of Object.entries(CASES)) {
  test(`parses ${JSON.stringify(text)}`, () => assert.equal(show(text), expected));
}

test("keeps nesting bounded", () => {
  const deep = "> ".repeat(200) + "- ".repeat(200) + "**a _b ".repeat(200) + "_ **".repeat(200);
  const depthOf = (node) =>
    1 + Math.max(0, ...[node.children, node.items, node.lists].flat().filter(Boolean).map(depthOf));
  assert.ok(Math.max(...parseMarkdown(deep).map(depthOf)) < 30);
});

test("visits hostile text a bounded number of times", () => {
  // Each of them takes minutes if the time is quadratic or worse.
  for (const part of [
    "*a ",
    "**a",
    "_a_ *b",
    "`a",
    "``a`",
    "[",
    "[a](",
    "> ",
    "- a\n",
    "@a._-",
    "~~a",
    "www.",
    "*",
    "a_@",
  ]) {
    parseMarkdown(part.repeat(100_000 / part.length));
  }
});
