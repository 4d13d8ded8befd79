/** The sign before the name of a room or a person, in the sidebar and in the switcher. */

import { element, svgElement } from "../ui/dom.js";

const LOCK =
  "M4.5 7V5a3.5 3.5 0 0 1 7 0v2h.5a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zm1.5 0h4V5a2 2 0 1 0-4 0z";
const SIGNS = { public: "#", direct: "@", person: "+" };

/** @param {"public" | "private" | "direct" | "person"} kind */
export function roomSign(kind) {
  return element("span", { class: "room-sign", "aria-hidden": "true" }, kind === "private" ? lockIcon() : SIGNS[kind]);
}

function lockIcon() {
  return svgElement("svg", { viewBox: "0 0 16 16", width: "13", height: "13" }, svgElement("path", { d: LOCK }));
}
