/**
 * Links in the text of a message: http and https only, or an address that begins with www, which becomes https. Everything else stays text: javascript:, data:, a scheme that
 * only looks like http, and an address with a user name, because https://bank.example@evil.example/ opens evil.example.
 *
 * Where a link ends follows Unicode Technical Standard #58: sentence punctuation belongs to a link only if more of the
 * link follows, and a closing bracket only if the link opened it. Differently from UTS #58, punctuation beyond ASCII
 * always ends the link: Chinese and Japanese have no space after "。" or "」".
 *
 * @typedef {object} TextPart
 * @property {string} text the part as it was written
 * @property {string} label what is shown: the text, or the link with its host in punycode (see host_label.js)
 * @property {string | null} href null: plain text
 */

import { hostLabel } from "./host_label.js";

/** A link begins with a scheme, or with "www." and a name: the name has at least two labels, the last one of letters. */
const START = /(?<![a-z\d])https?:\/\/|(?<![\p{L}\p{N}\p{M}@./_:-])www\.(?=[\p{L}\p{Nd}])/giu;
const WWW_HOST = /^www\.[^.]+(?:\.[^.]+)*\.\p{L}{2,}$/iu;
const ALLOWED_SCHEMES = new Set(["http:", "https:"]);
const LABEL = String.raw`[\p{L}\p{Nd}](?:[\p{L}\p{Nd}\p{M}_-]*[\p{L}\p{Nd}\p{M}])?`;
const IPV6 = String.raw`\[[\da-f:.]{2,45}\]`;
const HOST = new RegExp(String.raw`${IPV6}|${LABEL}(?:\.${LABEL})*`, "iuy");
const PORT = /:\d{1,5}(?!\d)/uy;
/** In "https://google.com:443@evil.example" the part before the @ is not the host. */
const USER_INFO = /[\w.~!$&'()*+,;=:%-]*@/uy;
/** The host continues behind the match in a form that must not become a link. */
const MORE_HOST = /[@%]|[-_]+\.[\p{L}\p{Nd}]/uy;
/** A top-level domain has letters of one script: in "example.com谢谢" the text begins after "com". */
const GLUED_TEXT = /(?<=\.[a-z]{2,})(?!\p{Script=Latin})\P{ASCII}[^.]*$/iu;

const OPENING = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
]);
const CLOSING = new Set(OPENING.values());
/** In a link only if more of the link follows. The last ones occur inside words: L·L, ・, ״, soft joiners. */
const INNER = /[.,;:!?'*_~·・‐‑–׳״\u200c\u200d]/u;
/** Ends of bold and struck text in Markdown. */
const EMPHASIS = new Set(["**", "~~"]);
/** Never in a link. Connectors (Pc) such as ‿ are letters of identifiers. */
const ENDING = /[\s<>"`|\\^\p{Z}⋯｜＜＞～]|(?![\p{Pc}·・‐‑–׳״])(?=\P{ASCII})\p{P}|(?![\u200c\u200d])\p{C}/u;

/**
 * Split a text into links and plain text, in time linear to its length.
 *
 * @param {string} text
 * @returns {TextPart[]} their texts joined give the text again
 */
export function splitLinks(text) {
  /** @type {TextPart[]} */
  const parts = [];
  let end = 0;
  /** @param {number} to */
  const addText = (to) => {
    if (to > end) parts.push({ text: text.slice(end, to), label: text.slice(end, to), href: null });
  };
  for (const { index } of text.matchAll(START)) {
    if (index < end) continue; // a link inside a link: https://web.archive.org/web/https://example.org/
    const link = linkAt(text, index);
    if (link === null) continue;
    addText(index);
    parts.push(link);
    end = index + link.text.length;
  }
  addText(text.length);
  return parts;
}

/**
 * @param {string} text
 * @param {number} start where the scheme or "www." begins
 * @returns {TextPart | null}
 */
function linkAt(text, start) {
  const hasScheme = !/^www\./iu.test(text.slice(start, start + 4));
  const hostStart = hasScheme ? text.indexOf("//", start) + 2 : start;
  if (matchAt(USER_INFO, text, hostStart) !== "") return null;
  const found = matchAt(HOST, text, hostStart);
  const host = found.replace(GLUED_TEXT, "");
  const isGlued = host !== found;
  const port = isGlued ? "" : matchAt(PORT, text, hostStart + host.length);
  const authorityEnd = hostStart + host.length + port.length;
  // "https://ex%61mple.org", "https://имя@evil.example", "https://a-.example": what is before it is another host.
  if (host === "" || matchAt(MORE_HOST, text, authorityEnd) !== "") return null;
  if (!hasScheme && !WWW_HOST.test(host)) return null;
  const scheme = hasScheme ? "" : "https://";
  const origin = parseUrl(scheme + text.slice(start, authorityEnd));
  if (origin === null) return null;
  const end = isGlued ? authorityEnd : findPathEnd(text, authorityEnd);
  const href = parseUrl(scheme + text.slice(start, end))?.href ?? null;
  const label =
    text.slice(start, hostStart) + hostLabel(host, origin.hostname) + text.slice(hostStart + host.length, end);
  return href === null ? null : { text: text.slice(start, end), label, href };
}

/**
 * @param {string} text
 * @param {number} start the end of the authority
 * @returns {number}
 */
function findPathEnd(text, start) {
  // The dot of a fully qualified name: "example.org./path".
  const isQualified = /^\.[/?#]/u.test(text.slice(start, start + 2));
  const pathStart = isQualified ? start + 1 : start;
  if (!/^[/?#]/u.test(text.charAt(pathStart))) return start;
  /** @type {string[]} the closing brackets that are expected */
  const expected = [];
  let end = start;
  let position = pathStart;
  while (position < text.length) {
    const character = String.fromCodePoint(text.codePointAt(position) ?? 0);
    const closing = OPENING.get(character);
    position += character.length;
    if (closing !== undefined) {
      expected.push(closing);
    } else if (CLOSING.has(character)) {
      if (expected.pop() !== character) break;
      if (expected.length === 0) end = position;
    } else if (ENDING.test(character) || EMPHASIS.has(text.slice(position - 1, position + 1))) {
      break;
    } else if (INNER.test(character)) {
      continue;
    } else if (expected.length === 0) {
      end = position;
    }
  }
  return end;
}

/**
 * @param {string} candidate
 * @returns {URL | null} null unless it is a valid http or https URL without a user name
 */
function parseUrl(candidate) {
  let url;
  try {
    url = new URL(candidate);
  } catch {
    return null;
  }
  return ALLOWED_SCHEMES.has(url.protocol) && url.username === "" && url.password === "" ? url : null;
}

/**
 * @param {RegExp} pattern sticky
 * @param {string} text
 * @param {number} position
 * @returns {string} "" if it does not match there
 */
function matchAt(pattern, text, position) {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0] ?? "";
}
