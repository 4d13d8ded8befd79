/** index.html in jsdom, for modules that use the DOM. */

import { readFileSync } from "node:fs";

import { requirePackage } from "./packages.js";

// Not in packages.js: it takes half a second to load, and each file of tests is a process.
export const { JSDOM } = requirePackage("jsdom");

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
