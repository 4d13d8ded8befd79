/** index.html in jsdom, for modules that use the DOM. */

import { readFileSync } from "node:fs";

import { JSDOM } from "./packages.js";

const HTML = readFileSync(new URL("../../../frontend/index.html", import.meta.url), "utf8");
const GLOBALS = [
  "AbortController",
  "AbortSignal",
  "document",
  "Element",
  "HTMLButtonElement",
  "HTMLElement",
  "HTMLFormElement",
  "HTMLTextAreaElement",
  "Event",
  "InputEvent",
  "KeyboardEvent",
  "MouseEvent",
  "MutationObserver",
  "window",
];

/** Open a new page: its document and its classes become globals, as in a browser. Scripts do not run. */
export function openPage() {
  const { window } = new JSDOM(HTML, { url: "http://localhost/" });
  for (const name of GLOBALS) globalThis[name] = window[name];
}
