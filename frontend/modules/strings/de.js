/** The texts in German. */

/** @type {import("./strings.js").Texts} */
export const de = {};
