/**
 * Links in the text of a message. A link is what the URL parser accepts as http or https. Everything else stays text:
 * javascript:, data:, or a scheme that only looks like http.
 *
 * @typedef {{text: string, href: string | null}} TextPart href null: plain text
 */

const CANDIDATE = /\bhttps?:\/\/[^\s<>"]+/giu;
const ALLOWED_SCHEMES = new Set(["http:", "https:"]);
/** Punctuation after a link usually belongs to the sentence. */
const TRAILING_PUNCTUATION = /[.,;:!?'")\]}]+$/u;

/**
 * Split a text into links and plain text.
 *
 * @param {string} text
 * @returns {TextPart[]} their texts joined give the text again
 */
export function splitLinks(text) {
  /** @type {TextPart[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const candidate = removeTrailingPunctuation(match[0]);
    const href = safeHref(candidate);
    if (href === null) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index), href: null });
    parts.push({ text: candidate, href });
    end = match.index + candidate.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: null });
  return parts;
}

/**
 * @param {string} candidate
 * @returns {string | null} the normalized http or https URL, else null
 */
function safeHref(candidate) {
  let url;
  try {
    url = new URL(candidate);
  } catch {
    return null;
  }
  // https://bank.example@evil.example/ looks like the bank and opens evil.example: it stays text.
  if (!ALLOWED_SCHEMES.has(url.protocol) || url.username !== "" || url.password !== "") return null;
  return url.href;
}

/**
 * @param {string} candidate
 * @returns {string}
 */
function removeTrailingPunctuation(candidate) {
  const trimmed = candidate.replace(TRAILING_PUNCTUATION, "");
  // "…/wiki/Cloud_(disambiguation)": a closing bracket belongs to the link if the link opened it.
  const opened = (trimmed.match(/\(/gu) ?? []).length;
  const closed = (trimmed.match(/\)/gu) ?? []).length;
  return opened > closed && candidate[trimmed.length] === ")" ? `${trimmed})` : trimmed;
}
