/**
 * What is inside a line: code, links, mentions, bold, italic and struck text. Pure functions, in time linear to the text.
 *
 * A mark counts only where people mean it: `**` and `_` open behind a space or a bracket and close in front of one, so
 * that snake_case, __init__, 2*3*4 and ¯\_(ツ)_/¯ stay as they are. Chinese, Japanese and Korean have no spaces: there, a
 * mark counts inside a line, too. Code comes first, then links: a mark inside of them is a part of them.
 *
 * @typedef {{type: "text", text: string}} Text
 * @typedef {{type: "code", text: string}} CodeSpan
 * @typedef {{type: "mention", text: string, names: string[]}} Mention names: what the mention may stand for, longest
 *   first: punctuation at the end belongs to the name or to the sentence
 * @typedef {{type: "link", href: string, children: Inline[]}} Link
 * @typedef {{type: "strong" | "emphasis" | "strike", children: Inline[]}} Emphasis
 * @typedef {Text | CodeSpan | Mention | Link | Emphasis} Inline
 *
 * @typedef {{mark: string, canOpen: boolean, canClose: boolean}} Delimiter
 */

import { buildEmphasis } from "./emphasis.js";
import { splitLinks } from "./links.js";

const BACKTICKS = /`+/gu;
const DELIMITER = /\*+|(?<![_])_(?!_)|(?<!~)~~(?!~)/gu;
const MAX_NAME = 32;
const MENTION = new RegExp(String.raw`(?<![\p{L}\p{N}\p{M}._-])@([\p{L}\p{N}\p{M}._-]{1,${MAX_NAME}})`, "gu");
const MAX_LABEL = 200;
/** Of an image, which is shown as a link. Behind a word it is the end of a sentence. */
const IMAGE_MARK = /(?<!\S)!$/u;
/** A label that looks like an address could pose as another site. */
const LOOKS_LIKE_ADDRESS = /:\/\/|[\p{L}\p{N}]\.\p{L}{2,}|@/u;
const SPACELESS = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`;
const WORD = new RegExp(String.raw`^(?![${SPACELESS}])[\p{L}\p{N}_]`, "u");
/** The sentence continues behind these characters: a mark behind them does not open anything. */
const NO_OPENER_BEHIND = /[^\s\p{Ps}\p{Pi}"'*_~。、，：；！？-]/u;
const SPACELESS_CHARACTER = new RegExp(`[${SPACELESS}]`, "u");

/**
 * @param {string} text
 * @returns {Inline[]}
 */
export function parseInline(text) {
  /** @type {(Inline | Delimiter)[]} */
  const tokens = [];
  for (const part of splitCode(text)) {
    if (part.isCode) tokens.push({ type: "code", text: part.text });
    else addLinks(part, text, tokens);
  }
  return buildEmphasis(tokens);
}

/**
 * A code span ends at the next run of as many backticks as it began with (CommonMark 0.31 §6.1).
 *
 * @param {string} text
 * @returns {{text: string, start: number, isCode: boolean}[]}
 */
function splitCode(text) {
  if (!text.includes("`")) return [{ text, start: 0, isCode: false }];
  const runs = [...text.matchAll(BACKTICKS)];
  const ends = nextOfSameLength(runs.map(([run]) => run.length));
  const parts = [];
  let position = 0;
  for (let index = 0; index < runs.length; index += 1) {
    const end = ends[index];
    if (end === null) continue;
    const start = runs[index].index;
    if (start > position) parts.push({ text: text.slice(position, start), start: position, isCode: false });
    const code = text.slice(start + runs[index][0].length, runs[end].index);
    parts.push({ text: stripPadding(code), start, isCode: true });
    position = runs[end].index + runs[end][0].length;
    index = end;
  }
  if (position < text.length) parts.push({ text: text.slice(position), start: position, isCode: false });
  return parts;
}

/**
 * @param {number[]} lengths
 * @returns {(number | null)[]} for each, the index of the next one of the same length
 */
function nextOfSameLength(lengths) {
  /** @type {Map<number, number>} */
  const seen = new Map();
  const next = Array.from(lengths, () => /** @type {number | null} */ (null));
  for (let index = lengths.length - 1; index >= 0; index -= 1) {
    next[index] = seen.get(lengths[index]) ?? null;
    seen.set(lengths[index], index);
  }
  return next;
}

/** @param {string} code */
function stripPadding(code) {
  return /^ .*\S.* $/su.test(code) ? code.slice(1, -1) : code;
}

/**
 * Add a part without code. The address of [label](address) is found as a link of its own first.
 *
 * @param {{text: string, start: number}} part
 * @param {string} whole text of the block, for what is around a mark
 * @param {(Inline | Delimiter)[]} tokens
 */
function addLinks({ text, start }, whole, tokens) {
  const parts = splitLinks(text);
  let position = start;
  /** @type {string | null} of the next link */
  let label = null;
  for (const [index, part] of parts.entries()) {
    const from = position + (label !== null && part.href === null ? 1 : 0); // behind the ")" of the link before
    position += part.text.length;
    if (part.href !== null) {
      tokens.push({ type: "link", href: part.href, children: linkText(label ?? part.label, label !== null) });
      continue;
    }
    const source = whole.slice(from, position);
    const labelFrom = labelStart(source, parts, index);
    const before = source.slice(0, labelFrom ?? undefined);
    addMarks(labelFrom === null ? before : before.replace(IMAGE_MARK, ""), from, whole, tokens);
    label = labelFrom === null ? null : source.slice(labelFrom + 1, -2);
  }
}

/**
 * @param {string} text
 * @param {boolean} isLabel whether it may have marks: in an address they are a part of it
 * @returns {Inline[]}
 */
function linkText(text, isLabel) {
  if (!isLabel) return [{ type: "text", text }];
  /** @type {(Inline | Delimiter)[]} */
  const tokens = [];
  addMarks(text, 0, text, tokens);
  return buildEmphasis(tokens);
}

/**
 * @param {string} source text in front of a link
 * @param {import("./links.js").TextPart[]} parts
 * @param {number} index of the text
 * @returns {number | null} where the "[" is, if the link is the address of a label
 */
function labelStart(source, parts, index) {
  const [link, after] = [parts[index + 1], parts[index + 2]];
  if (link === undefined || !source.endsWith("](") || !after?.text.startsWith(")")) return null;
  const start = source.lastIndexOf("[");
  const label = source.slice(start + 1, -2);
  const isLabel = start >= 0 && label.trim() !== "" && label.length <= MAX_LABEL && !/[\]\n]/u.test(label);
  return isLabel && !LOOKS_LIKE_ADDRESS.test(label) ? start : null;
}

/**
 * @param {string} text
 * @param {number} start
 * @param {string} whole
 * @param {(Inline | Delimiter)[]} tokens
 */
function addMarks(text, start, whole, tokens) {
  let position = 0;
  for (const { 0: mark, index } of text.matchAll(DELIMITER)) {
    if (mark.length > 3) continue;
    addMentions(text.slice(position, index), start + position, whole, tokens);
    tokens.push({ mark, ...flanks(whole, start + index, start + index + mark.length) });
    position = index + mark.length;
  }
  addMentions(text.slice(position), start + position, whole, tokens);
}

/**
 * @param {string} text
 * @param {number} start of the mark
 * @param {number} end of the mark
 */
function flanks(text, start, end) {
  const before = characterBefore(text, start);
  const after = end < text.length ? String.fromCodePoint(text.codePointAt(end) ?? 0) : "";
  const isOpenPlace = before === "" || !NO_OPENER_BEHIND.test(before) || SPACELESS_CHARACTER.test(before);
  return {
    canOpen: after !== "" && !/\s/u.test(after) && isOpenPlace,
    canClose: before !== "" && !/\s/u.test(before) && !WORD.test(after),
  };
}

/**
 * @param {string} text
 * @param {number} index
 */
function characterBefore(text, index) {
  const last = text.charAt(index - 1);
  return /[\udc00-\udfff]/u.test(last) || last.charCodeAt(0) >= 0xdc00
    ? text.slice(Math.max(0, index - 2), index)
    : last;
}

/**
 * @param {string} text
 * @param {number} start
 * @param {string} whole
 * @param {(Inline | Delimiter)[]} tokens
 */
function addMentions(text, start, whole, tokens) {
  let position = 0;
  if (text.includes("@")) {
    for (const { 0: mention, 1: name, index } of text.matchAll(MENTION)) {
      // The "@" of an address whose name ended in a mark: a_@b.
      if (index === 0 && /[\p{L}\p{N}\p{M}._-]$/u.test(characterBefore(whole, start))) continue;
      if (index > position) tokens.push({ type: "text", text: text.slice(position, index) });
      tokens.push({ type: "mention", text: mention, names: possibleNames(name) });
      position = index + mention.length;
    }
  }
  if (position < text.length) tokens.push({ type: "text", text: text.slice(position) });
}

/** @param {string} name */
function possibleNames(name) {
  const names = [name];
  for (let end = name.length - 1; end > 0 && /[._-]/u.test(name.charAt(end)); end -= 1) names.push(name.slice(0, end));
  return names;
}
