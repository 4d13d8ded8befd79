/**
 * The only way this page makes elements: attributes by name, children as text nodes. There is no path
 * from a string to markup, so nothing that someone typed can become an element or a handler.
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | null | undefined>} [attributes] true: present; false, null: absent
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (typeof value === "string") node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/**
 * @param {string} label
 * @param {(event: MouseEvent) => void} onClick
 * @param {Record<string, string>} [attributes]
 */
export function button(label, onClick, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, label);
  node.addEventListener("click", onClick);
  return node;
}

/**
 * Runs what may take away the button that was pressed: without a refuge the focus would fall to the top
 * of the page, and whoever works by keyboard would begin anew.
 *
 * @param {HTMLElement} place where the button is
 * @param {HTMLElement} refuge
 * @param {() => void} change
 */
export function keepFocus(place, refuge, change) {
  const held = document.activeElement;
  const within = place.contains(held);
  change();
  // What is hidden loses the focus only with the next frame.
  const lost = document.activeElement === document.body || document.activeElement?.closest("[hidden]");
  if (within && lost) refuge.focus({ preventScroll: true });
}

/**
 * @param {string} id of an element that index.html must have
 * @returns {any}
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`index.html has no #${id}`);
  return node;
}
