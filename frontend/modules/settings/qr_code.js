/** A QR code as a picture, from the rows of modules that the server computed. */

const SVG = "http://www.w3.org/2000/svg";

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

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @param {...Node} children
 */
function svgElement(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
