/** The texts in German. */

import { conversationDe } from "./conversation_de.js";

/** @type {import("./strings.js").Texts} */
export const de = {
  ...conversationDe,
};
