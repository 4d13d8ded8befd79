/**
 * The blocks of a message: paragraphs, quotes, lists and fenced code. A subset of CommonMark that changes nothing that
 * people type without thinking of markup: line breaks, blank lines and the numbers of a list stay as they were typed.
 *
 * Pure functions, in time linear to the text: each line is looked at once per level of quotes, and the levels are bounded.
 *
 * @typedef {import("./inline_markdown.js").Inline} Inline
 *
 * @typedef {{type: "paragraph", children: Inline[]}} Paragraph
 * @typedef {{type: "code", language: string, text: string}} CodeBlock
 * @typedef {{type: "quote", children: Block[]}} Quote
 * @typedef {{type: "list", isOrdered: boolean, items: ListItem[]}} List
 * @typedef {{number: number | null, children: Inline[], lists: List[]}} ListItem
 * @typedef {Paragraph | CodeBlock | Quote | List} Block
 *
 * @typedef {{indent: number, number: number | null, text: string}} ListLine
 */

import { parseInline } from "./inline_markdown.js";

/** As in the server's rule for mentions, which do not count in code: src/cloudchat/messages/mentions.py. */
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/u;
const QUOTE = /^ {0,3}> ?/u;
/** A quote starts with "> ": ">:(" and ">>>" are text. */
const QUOTE_START = /^ {0,3}>(?: |$)/u;
const LIST_ITEM = /^( {0,12})(?:[-*+]|(\d{1,9})[.)]) +(?=\S)/u;
const CONTINUATION = /^ {2,}\S/u;
const MAX_QUOTES = 4;
const MAX_LISTS = 4;
/** What may need more than a text node: anything else takes the short way. */
const MARKUP = /[`~*_>[@]|:\/\/|www\.|^ *[-+\d]/imu;

/**
 * @param {string} text
 * @returns {Block[]}
 */
export function parseMarkdown(text) {
  if (!MARKUP.test(text)) return [{ type: "paragraph", children: [{ type: "text", text }] }];
  return parseBlocks(text.split("\n"), 0);
}

/**
 * @param {string} text
 * @returns {string} without its marks
 */
export function plainText(text) {
  return parseMarkdown(text).map(blockText).join("\n");
}

/**
 * @param {Block} block
 * @returns {string}
 */
function blockText(block) {
  if (block.type === "code") return block.text;
  if (block.type === "quote") return block.children.map(blockText).join("\n");
  return block.type === "list" ? block.items.map(itemText).join("\n") : inlineText(block.children);
}

/**
 * @param {ListItem} item
 * @returns {string}
 */
function itemText({ children, lists }) {
  return [inlineText(children), ...lists.map(blockText)].join("\n");
}

/**
 * @param {Inline[]} children
 * @returns {string}
 */
function inlineText(children) {
  return children.map((child) => ("children" in child ? inlineText(child.children) : child.text)).join("");
}

/**
 * @param {string[]} lines
 * @param {number} quotes around them
 * @returns {Block[]}
 */
function parseBlocks(lines, quotes) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {string[]} */
  let paragraph = [];
  const endParagraph = () => {
    const children = parseParagraph(paragraph, blocks.length > 0);
    if (children !== null) blocks.push({ type: "paragraph", children });
    paragraph = [];
  };
  for (let index = 0; index < lines.length;) {
    const found = blockAt(lines, index, quotes);
    if (found === null) {
      paragraph.push(lines[index]);
      index += 1;
      continue;
    }
    // A blank line in front of a block belongs to the block's margin.
    if (paragraph.at(-1)?.trim() === "") paragraph.pop();
    endParagraph();
    blocks.push(found.block);
    index = found.end;
  }
  endParagraph();
  return blocks;
}

/**
 * @param {string[]} lines
 * @param {boolean} follows whether a block is before it
 * @returns {Inline[] | null}
 */
function parseParagraph(lines, follows) {
  const rest = follows && lines.at(0)?.trim() === "" ? lines.slice(1) : lines;
  return rest.length === 0 ? null : parseInline(rest.join("\n"));
}

/**
 * @param {string[]} lines
 * @param {number} index
 * @param {number} quotes
 * @returns {{block: Block, end: number} | null} end: index of the line after the block
 */
function blockAt(lines, index, quotes) {
  const line = lines[index];
  const fence = FENCE.exec(line);
  if (fence !== null && isFence(fence)) return codeAt(lines, index, fence);
  if (quotes < MAX_QUOTES && QUOTE_START.test(line)) return quoteAt(lines, index, quotes);
  if (LIST_ITEM.test(line)) return listAt(lines, index);
  return null;
}

/** @param {RegExpExecArray} fence */
function isFence([, marks, info]) {
  return !(marks.startsWith("`") && info.includes("`"));
}

/**
 * A fence without an end goes to the end of the text.
 *
 * @param {string[]} lines
 * @param {number} start
 * @param {RegExpExecArray} fence
 */
function codeAt(lines, start, [, marks, info]) {
  let end = start + 1;
  while (end < lines.length && !closesFence(lines[end], marks)) end += 1;
  const [language = ""] = info.trim().split(/\s/u);
  const text = lines.slice(start + 1, end).join("\n");
  return { block: /** @type {CodeBlock} */ ({ type: "code", language, text }), end: end + 1 };
}

/**
 * @param {string} line
 * @param {string} marks
 */
function closesFence(line, marks) {
  const found = FENCE.exec(line);
  return found !== null && found[1].startsWith(marks) && found[2].trim() === "";
}

/**
 * @param {string[]} lines
 * @param {number} start
 * @param {number} quotes
 */
function quoteAt(lines, start, quotes) {
  let end = start;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(start, end).map((line) => line.replace(QUOTE, ""));
  return { block: /** @type {Quote} */ ({ type: "quote", children: parseBlocks(inner, quotes + 1) }), end };
}

/**
 * @param {string[]} lines
 * @param {number} start
 */
function listAt(lines, start) {
  /** @type {ListLine[]} */
  const items = [];
  let end = start;
  for (; end < lines.length; end += 1) {
    const found = LIST_ITEM.exec(lines[end]);
    if (found !== null && (items.length === 0 || found[1].length > 0 || continuesList(items, found))) {
      const [marker, indent, number] = found;
      const text = lines[end].slice(marker.length);
      items.push({ indent: indent.length, number: number === undefined ? null : Number(number), text });
    } else if (items.length > 0 && found === null && CONTINUATION.test(lines[end])) {
      items[items.length - 1].text += `\n${lines[end].trimStart()}`;
    } else {
      break;
    }
  }
  return { block: buildList(items), end };
}

/**
 * An ordered list does not continue a bulleted one.
 *
 * @param {ListLine[]} items
 * @param {RegExpExecArray} found
 */
function continuesList(items, [, , number]) {
  return (items[0].number === null) === (number === undefined);
}

/**
 * @param {ListLine[]} lines at least one
 * @returns {List}
 */
function buildList(lines) {
  const root = newList(lines[0]);
  /** @type {{indent: number, list: List}[]} */
  const open = [{ indent: lines[0].indent, list: root }];
  for (const line of lines) {
    while (open.length > 1 && line.indent < open[open.length - 1].indent) open.pop();
    const { indent, list } = open[open.length - 1];
    const parent = list.items.at(-1);
    if (parent !== undefined && line.indent >= indent + 2 && open.length < MAX_LISTS) {
      parent.lists.push(newList(line));
      open.push({ indent: line.indent, list: parent.lists[parent.lists.length - 1] });
    }
    open[open.length - 1].list.items.push({ number: line.number, children: parseInline(line.text), lists: [] });
  }
  return root;
}

/**
 * @param {ListLine} line its first one
 * @returns {List}
 */
function newList({ number }) {
  return { type: "list", isOrdered: number !== null, items: [] };
}
