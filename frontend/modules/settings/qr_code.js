/** A QR code as a picture, from the rows of modules that the server computed. */

import { svgElement } from "../ui/dom.js";

/**
 * @param {string[]} rows of modules: "1" is dark, "0" light; with the light margin that scanners need
 * @param {string} label for people who cannot see it
 * @returns {SVGSVGElement}
 */
export function renderQrCode(rows, label) {
  const size = String(rows.length);
  return svgElement(
    "svg",
    {
      viewBox: `0 0 ${size} ${size}`,
      class: "qr-code",
      role: "img",
      "aria-label": label,
      "shape-rendering": "crispEdges",
    },
    svgElement("rect", { width: size, height: size, fill: "#ffffff" }),
    svgElement("path", { fill: "#000000", d: qrPath(rows) }),
  );
}

/**
 * Return the outline of the dark modules: one rectangle per run of modules, because single squares show hairlines
 * between them.
 *
 * @param {string[]} rows
 * @returns {string} path data (SVG 2 §9.3)
 */
export function qrPath(rows) {
  return rows
    .map((row, y) =>
      [...row.matchAll(/1+/gu)].map(({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`).join(""),
    )
    .join("");
}
