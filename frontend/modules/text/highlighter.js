/**
 * Colours the code blocks of a message. Loaded on demand, with the first block whose language is known here.
 *
 * Each language is one pattern of tokens: what no token matches is plain. A rough reading that is never wrong about the
 * text itself: the parts joined give the code again.
 *
 * @typedef {"comment" | "string" | "number" | "keyword" | "name" | "inserted" | "deleted"} TokenKind
 * @typedef {{kind: TokenKind | null, text: string}} CodePart
 * @typedef {{pattern: RegExp, keywords: ReadonlySet<string>, ignoresCase: boolean}} Language
 */

/** Longer code stays plain, so that no message takes more than a few milliseconds. */
const MAX_LENGTH = 20_000;

const SLASH_COMMENT = String.raw`\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)`;
const HASH_COMMENT = String.raw`(?<![\w$])#[^\n]*`;
const QUOTED = String.raw`"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?`;
const BACKTICKED = "`(?:[^`\\\\]|\\\\[^])*`?";
const NUMBER = String.raw`(?<![\w.])(?:0[xob][\da-f_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:e[+-]?\d+)?)[a-z]{0,3}(?!\w)`;
const WORD = String.raw`[a-z_$][\w$]*`;

/**
 * @param {object} tokens
 * @param {string} tokens.comment
 * @param {string} tokens.string
 * @param {string} [tokens.name] beside the names of called functions
 * @param {string} keywords separated by spaces
 * @param {boolean} [ignoresCase] of keywords
 * @returns {Language}
 */
function language({ comment, string, name = `${WORD}(?=\\()` }, keywords, ignoresCase = false) {
  const source = `(?<comment>${comment})|(?<string>${string})|(?<number>${NUMBER})|(?<name>${name})|(?<word>${WORD})`;
  return { pattern: new RegExp(source, "giu"), keywords: new Set(keywords.split(" ")), ignoresCase };
}

const JAVASCRIPT = language(
  { comment: SLASH_COMMENT, string: `${QUOTED}|${BACKTICKED}` },
  "abstract as async await break case catch class const continue debugger declare default delete do else enum export " +
    "extends false finally for from function get if implements import in instanceof interface keyof let namespace new null " +
    "of override private protected public readonly return satisfies set static super switch this throw true try type " +
    "typeof undefined var void while with yield",
);
const PYTHON = language(
  { comment: HASH_COMMENT, string: String.raw`"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|${QUOTED}` },
  "and as assert async await break case class continue def del elif else except False finally for from global if import in " +
    "is lambda match None nonlocal not or pass raise return self True try while with yield",
);
const C_FAMILY = language(
  { comment: SLASH_COMMENT, string: QUOTED },
  "abstract alignas auto bool boolean break byte case catch char class concept const constexpr continue decltype default " +
    "defer delete do double else enum explicit export extends extern false final finally float fn for friend func go goto if " +
    "impl implements import in inline instanceof int interface let long loop map match mod mut namespace new nil null nullptr " +
    "operator override package private protected pub public range record return select self short signed sizeof static " +
    "string struct super switch template this throw throws trait true try type typedef typename union unsafe unsigned use " +
    "using var virtual void volatile where while yield",
);
const SQL = language(
  { comment: String.raw`--[^\n]*|\/\*[^]*?(?:\*\/|$)`, string: QUOTED },
  "add all alter and as asc begin between by case check column commit constraint create cross default delete desc distinct " +
    "drop else end exists foreign from full group having if in index inner insert into is join key left like limit not null " +
    "offset on or order outer primary references returning right rollback select set table then transaction union unique " +
    "update using values view when where with",
  true,
);
const SHELL = language(
  { comment: HASH_COMMENT, string: QUOTED, name: String.raw`\$\{?\w+\}?|(?<=\s)--?[a-z][\w-]*` },
  "alias break case cd continue do done echo elif else esac eval exec exit export fi for function if in local read return " +
    "set shift source sudo then trap unset until while",
);
const MARKUP = language(
  {
    comment: "<!--[^]*?(?:-->|$)",
    string: QUOTED,
    name: String.raw`<\/?[a-z][\w:-]*|\/?>|(?<![\w:-])[a-z][\w:-]*(?==)`,
  },
  "",
);
const STYLES = language(
  {
    comment: String.raw`\/\*[^]*?(?:\*\/|$)`,
    string: QUOTED,
    name: String.raw`(?<![\w-])(?:--[\w-]+|[a-z-]+(?=\s*:)|@[a-z-]+)`,
  },
  "",
);
const DATA = language(
  { comment: HASH_COMMENT, string: QUOTED, name: String.raw`(?<![\w.-])[\w.-]+(?=\s*[:=])` },
  "true false null yes no on off",
);

/** @type {Map<string, Language>} */
const LANGUAGES = new Map();
for (const [names, found] of /** @type {[string, Language][]} */ ([
  ["js javascript jsx mjs ts typescript tsx", JAVASCRIPT],
  ["py python python3", PYTHON],
  ["c h cpp c++ cc cs csharp java go golang rust rs kotlin kt swift php dart scala", C_FAMILY],
  ["sql sqlite postgres postgresql mysql", SQL],
  ["sh bash shell zsh console", SHELL],
  ["html xml svg vue", MARKUP],
  ["css scss less", STYLES],
  ["json jsonc yaml yml toml ini", DATA],
])) {
  for (const name of names.split(" ")) LANGUAGES.set(name, found);
}

/**
 * @param {string} code
 * @param {string} name of the language as it was typed
 * @returns {CodePart[]} one plain part if the language is not known
 */
export function highlight(code, name) {
  if (code.length > MAX_LENGTH) return [{ kind: null, text: code }];
  const key = name.toLowerCase();
  if (key === "diff" || key === "patch") return highlightDiff(code);
  const found = LANGUAGES.get(key);
  return found === undefined ? [{ kind: null, text: code }] : split(code, found);
}

/**
 * @param {string} code
 * @param {Language} found
 */
function split(code, { pattern, keywords, ignoresCase }) {
  /** @type {CodePart[]} */
  const parts = [];
  let end = 0;
  for (const match of code.matchAll(pattern)) {
    const kind = kindOf(match, keywords, ignoresCase);
    if (kind === null) continue;
    if (match.index > end) parts.push({ kind: null, text: code.slice(end, match.index) });
    parts.push({ kind, text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < code.length) parts.push({ kind: null, text: code.slice(end) });
  return parts;
}

/**
 * @param {RegExpExecArray} match
 * @param {ReadonlySet<string>} keywords
 * @param {boolean} ignoresCase
 * @returns {TokenKind | null}
 */
function kindOf({ 0: token, groups = {} }, keywords, ignoresCase) {
  if (groups.comment !== undefined) return "comment";
  if (groups.string !== undefined) return "string";
  if (groups.number !== undefined) return "number";
  if (keywords.has(ignoresCase ? token.toLowerCase() : token)) return "keyword";
  return groups.name === undefined ? null : "name";
}

/**
 * @param {string} code
 * @returns {CodePart[]}
 */
function highlightDiff(code) {
  return code.split(/(?<=\n)/u).map((line) => ({
    kind: line.startsWith("+")
      ? "inserted"
      : line.startsWith("-")
        ? "deleted"
        : line.startsWith("@@")
          ? "comment"
          : null,
    text: line,
  }));
}
