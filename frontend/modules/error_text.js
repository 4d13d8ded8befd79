/** Errors in the words of the page: those of the server by their code, and those of the page itself. */

import { formatSentence } from "./format.js";
import { isTextKey, pageLanguage, text } from "./strings/strings.js";

/**
 * Return what to tell the person about an error of the server. The server writes in English, and what it writes is more
 * precise than a text for its code, so the texts are for readers of other languages.
 *
 * @param {{code?: string, message?: string, field?: string}} error
 * @returns {string | null} null: the answer did not come from the server
 */
export function serverErrorText({ code = "", message = "", field = "" }) {
  const sentence = message === "" ? "" : formatSentence(message);
  if (sentence !== "" && pageLanguage() === "en") return sentence;
  const key = [`error.${code}.${field}`, `error.${code}`].find(isTextKey);
  return key === undefined ? sentence || null : text(key, { message: sentence });
}

/**
 * Return what to tell the person about an error. The browser's own messages are for developers: "Cannot read properties
 * of null" appears when an answer has another shape than the page expects.
 *
 * @param {Error} error
 * @returns {string}
 */
export function messageOf(error) {
  const isForDevelopers = ["TypeError", "ReferenceError", "RangeError", "SyntaxError"].includes(error.name);
  if (!isForDevelopers) return error.message;
  console.error(error);
  return text("error.unusable_answer");
}
