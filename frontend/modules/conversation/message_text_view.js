/** The text of a message as elements: rendered Markdown, folded if it is tall, with code coloured once that is loaded. */

import { text as translate } from "../strings/strings.js";
import { isTall } from "../text/message_text.js";
import { renderMarkdown } from "../text/render_markdown.js";
import { button, element } from "../ui/dom.js";

/** One to three emoji and nothing else are shown large. */
const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s*){1,3}$/v;

/**
 * @param {string} text
 * @param {import("../text/render_markdown.js").MentionContext["findMention"]} findMention
 * @param {() => void} onResize the text has another height now
 * @returns {HTMLElement[]}
 */
export function renderText(text, findMention, onResize) {
  const className = ONLY_EMOJI.test(text) ? "bubble only-emoji" : "bubble";
  const bubble = element("div", { class: className, dir: "auto", "data-testid": "text" });
  bubble.append(...renderMarkdown(text, { findMention }));
  highlightCode(bubble);
  return isTall(text) ? [bubble, renderFold(bubble, onResize)] : [bubble];
}

/**
 * The block has the same height in colour.
 *
 * @param {HTMLElement} bubble
 */
async function highlightCode(bubble) {
  const blocks = bubble.querySelectorAll("code[data-language]");
  if (blocks.length === 0) return;
  const { highlight } = await import("../text/highlighter.js");
  for (const block of blocks) {
    const parts = highlight(block.textContent ?? "", block.getAttribute("data-language") ?? "");
    const nodes = parts.map(({ kind, text }) =>
      kind === null ? text : element("span", { class: `code-${kind}` }, text),
    );
    block.replaceChildren(...nodes);
  }
}

/**
 * Fold a tall message. Its whole text stays in the page, for a search and for a screen reader.
 *
 * @param {HTMLElement} bubble
 * @param {() => void} onResize
 */
function renderFold(bubble, onResize) {
  /** @param {boolean} isFolded */
  const setFolded = (isFolded) => {
    bubble.classList.toggle("folded", isFolded);
    toggle.textContent = translate(isFolded ? "conversation.show_more" : "conversation.show_less");
    toggle.setAttribute("aria-expanded", String(!isFolded));
  };
  const toggle = button(
    "",
    () => {
      setFolded(!bubble.classList.contains("folded"));
      onResize();
    },
    { class: "link-button fold-button" },
  );
  // A link in the hidden part gets the focus by the Tab key: it must be visible then.
  bubble.addEventListener("focusin", () => {
    if (!bubble.classList.contains("folded")) return;
    setFolded(false);
    onResize();
  });
  setFolded(true);
  return toggle;
}
