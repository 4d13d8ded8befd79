/** A QR code as a picture, from the rows of modules that the server computed. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string[]} rows "1" dark, "0" light, with the white around them by which readers find the code
 * @param {string} label for those who can't see it
 * @returns {SVGSVGElement}
 */
export function drawQrCode(rows, label) {
  const size = rows.length;
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: `0 0 ${size} ${size}`, class: "qr", role: "img", "aria-label": label, "shape-rendering": "crispEdges" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const ground = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ width: size, height: size, fill: "#ffffff" })) ground.setAttribute(name, String(value));
  const modules = document.createElementNS(SVG, "path");
  modules.setAttribute("fill", "#000000");
  modules.setAttribute("d", rows.map(strokes).join(""));
  svg.append(ground, modules);
  return svg;
}

/** One rectangle per run of dark modules: single squares would show hairlines between them. */
function strokes(row, y) {
  return [...row.matchAll(/1+/gu)]
    .map(({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`)
    .join("");
}
