/** A message as it is quoted: its beginning, on one line. */

import { text as translate } from "../strings/strings.js";
import { plainText } from "./markdown.js";

const MAX_CHARACTERS = 160;

/**
 * @param {{text: string, deleted: boolean}} message
 * @returns {string}
 */
export function quotedText({ text, deleted }) {
  if (deleted) return translate("conversation.deleted");
  const line = plainText(text.slice(0, 4 * MAX_CHARACTERS))
    .replace(/\s+/gu, " ")
    .trim();
  const characters = Array.from(line);
  return characters.length > MAX_CHARACTERS ? `${characters.slice(0, MAX_CHARACTERS).join("")}…` : line;
}
