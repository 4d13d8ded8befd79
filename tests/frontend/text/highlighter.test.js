import assert from "node:assert/strict";
import test from "node:test";

import { highlight } from "../../../frontend/modules/text/highlighter.js";

function show(code, language) {
  const parts = highlight(code, language);
  assert.equal(parts.map(({ text }) => text).join(""), code);
  return parts.filter(({ kind }) => kind !== null).map(({ kind, text }) => `${kind}:${text}`);
}

const CASES = [
  ["js", "const a = f(1.5e3); // no", ["keyword:const", "name:f", "number:1.5e3", "comment:// no"]],
  ["ts", 'let s = `a\n"b"` + "c\\"d"', ["keyword:let", 'string:`a\n"b"`', 'string:"c\\"d"']],
  ["python", "def f(x):\n  '''a\nb'''\n  return None  # c#", ["keyword:def", "name:f", "string:'''a\nb'''", "keyword:return", "keyword:None", "comment:# c#"]], // prettier-ignore
  ["Go", "func main() { x := 0xff /* y", ["keyword:func", "name:main", "number:0xff", "comment:/* y"]],
  ["sql", "SELECT * FROM t -- x\nwhere a='b'", ["keyword:SELECT", "keyword:FROM", "comment:-- x", "keyword:where", "string:'b'"]], // prettier-ignore
  ["bash", "if [ $A ]; then ls --all; fi # x", ["keyword:if", "name:$A", "keyword:then", "name:--all", "keyword:fi", "comment:# x"]], // prettier-ignore
  ["html", '<a href="x">b</a><!-- c -->', ["name:<a", "name:href", 'string:"x"', "name:>", "name:</a", "name:>", "comment:<!-- c -->"]], // prettier-ignore
  ["css", "a { color: red; } /* x */", ["name:color", "comment:/* x */"]],
  ["json", '{"a": true, "b": -1}', ['string:"a"', "keyword:true", 'string:"b"', "number:1"]],
  ["diff", "+a\n-b\n c", ["inserted:+a\n", "deleted:-b\n"]],
  ["brainfuck", "+[-]", []],
];
for (const [language, code, expected] of CASES) {
  test(`highlights ${language}`, () => assert.deepEqual(show(code, language), expected));
}

test("takes hostile code in its stride", () => {
  for (const part of ['"', "'''", "/*", "`\\", "<!--", "$", "0x", "a.", "--"]) {
    for (const language of ["js", "py", "c", "sql", "sh", "html", "css", "json"]) {
      show(part.repeat(20_000 / part.length), language);
    }
  }
});
