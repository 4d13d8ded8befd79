/**
 * Links in a message's text. A link is what the URL parser says is http or https; everything else
 * (javascript:, data:, a scheme that looks like one of ours) stays text.
 *
 * @typedef {{text: string, href: string | null}} Part
 */

const CANDIDATE = /\bhttps?:\/\/[^\s<>"]+/giu;
const ALLOWED = new Set(["http:", "https:"]);
// What ends a sentence after a link is rarely a part of it.
const TRAILING = /[.,;:!?'")\]}]+$/u;

/**
 * @param {string} text
 * @returns {Part[]} parts that give the text again when put together
 */
export function splitLinks(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const candidate = withoutTrailing(match[0]);
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
 * @returns {string | null} the normal form of an http or https URL, else null
 */
export function safeHref(candidate) {
  let url;
  try {
    url = new URL(candidate);
  } catch {
    return null;
  }
  // https://bank.example@evil.example/ reads as the bank and goes elsewhere: it stays text.
  if (!ALLOWED.has(url.protocol) || url.username !== "" || url.password !== "") return null;
  return url.href;
}

/** @param {string} candidate */
function withoutTrailing(candidate) {
  const trimmed = candidate.replace(TRAILING, "");
  // "…/wiki/Cloud_(disambiguation)": a bracket that the link itself opened belongs to it.
  const opens = (trimmed.match(/\(/gu) ?? []).length;
  const closes = (trimmed.match(/\)/gu) ?? []).length;
  return opens > closes && candidate[trimmed.length] === ")" ? `${trimmed})` : trimmed;
}
