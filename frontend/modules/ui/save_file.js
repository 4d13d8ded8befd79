/** Saves a file that the page has loaded, as the browser saves a download. */

import { element } from "./dom.js";

/**
 * @param {Blob} content
 * @param {string} name
 */
export function saveFile(content, name) {
  const url = URL.createObjectURL(content);
  element("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url); // the browser has begun the download and keeps the content
}
