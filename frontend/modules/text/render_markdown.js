/** Makes elements of a parsed message. What people write only ever becomes a text node or the text of a code block. */

import { element } from "../ui/dom.js";
import { parseMarkdown } from "./markdown.js";

/**
 * @typedef {import("./inline_markdown.js").Inline} Inline
 * @typedef {import("./markdown.js").Block} Block
 * @typedef {import("./markdown.js").List} List
 *
 * @typedef {object} MentionContext
 * @property {(names: readonly string[]) => {name: string, isSelf: boolean} | null} findMention the mentioned person; null:
 *   these names mention no one here
 */

const TAGS = /** @type {const} */ ({ strong: "strong", emphasis: "em", strike: "s" });

/**
 * @param {string} text
 * @param {MentionContext} context
 * @returns {HTMLElement[]}
 */
export function renderMarkdown(text, context) {
  return parseMarkdown(text).map((block) => renderBlock(block, context));
}

/**
 * @param {Block} block
 * @param {MentionContext} context
 * @returns {HTMLElement}
 */
function renderBlock(block, context) {
  if (block.type === "paragraph") return element("p", { dir: "auto" }, ...renderInlines(block.children, context));
  if (block.type === "code") return renderCode(block);
  if (block.type === "list") return renderList(block, context);
  return element("blockquote", { dir: "auto" }, ...block.children.map((child) => renderBlock(child, context)));
}

/** @param {import("./markdown.js").CodeBlock} block */
function renderCode({ language, text }) {
  const code = element("code", { "data-language": language === "" ? null : language }, text);
  // The block scrolls sideways: the keyboard must reach it.
  return element("pre", { dir: "ltr", tabindex: "0" }, code);
}

/**
 * @param {List} list
 * @param {MentionContext} context
 * @returns {HTMLElement}
 */
function renderList({ isOrdered, items }, context) {
  const nodes = items.map(({ number, children, lists }) =>
    element(
      "li",
      { value: number === null ? null : String(number), dir: "auto" },
      ...renderInlines(children, context),
      ...lists.map((list) => renderList(list, context)),
    ),
  );
  return element(isOrdered ? "ol" : "ul", { dir: "auto" }, ...nodes);
}

/**
 * @param {Inline[]} children
 * @param {MentionContext} context
 * @returns {(Node | string)[]}
 */
function renderInlines(children, context) {
  return children.flatMap((child) => renderInline(child, context));
}

/**
 * @param {Inline} child
 * @param {MentionContext} context
 * @returns {(Node | string)[]}
 */
function renderInline(child, context) {
  switch (child.type) {
    case "text":
      return [child.text];
    case "code":
      return [element("code", { dir: "ltr" }, child.text)];
    case "mention":
      return renderMention(child, context);
    case "link":
      return [renderLink(child, context)];
    default:
      return [element(TAGS[child.type], {}, ...renderInlines(child.children, context))];
  }
}

/**
 * @param {import("./inline_markdown.js").Mention} mention
 * @param {MentionContext} context
 * @returns {(Node | string)[]}
 */
function renderMention({ text, names }, { findMention }) {
  const found = findMention(names);
  if (found === null) return [text];
  const rest = text.slice(found.name.length + 1);
  const mention = element("span", { class: found.isSelf ? "mention self" : "mention" }, `@${found.name}`);
  return rest === "" ? [isolate(mention)] : [isolate(mention), rest];
}

/**
 * @param {import("./inline_markdown.js").Link} link
 * @param {MentionContext} context
 */
function renderLink({ href, children }, context) {
  const content = renderInlines(children, context);
  const link = element("a", { href, title: href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...content);
  return isolate(link);
}

/**
 * In a right-to-left text, the parts of an address and the sign of a mention keep their order.
 *
 * @param {HTMLElement} node
 */
function isolate(node) {
  return element("bdi", {}, node);
}
