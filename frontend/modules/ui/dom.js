/**
 * Finding and making elements. This is the only module that makes elements: attributes by name, children as text nodes.
 * There is no way from a string to markup, so nothing that a person typed can become an element or an event handler.
 */

/**
 * @typedef {Record<string, string | boolean | null | undefined>} Attributes
 *   true: present and empty; false, null, undefined: absent
 */

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string | null)} children null is skipped
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
 * Make an SVG element.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @param {...Node} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svgElement(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/**
 * Make a button.
 *
 * @param {string} label
 * @param {(event: MouseEvent) => void} onClick
 * @param {Attributes} [attributes]
 * @returns {HTMLButtonElement}
 */
export function button(label, onClick, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, label);
  node.addEventListener("click", onClick);
  return node;
}

/**
 * Return an element of index.html.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {abstract new () => T} [type]
 * @returns {T}
 * @throws {TypeError} if there is none, or it is of another type
 */
export function byId(id, type) {
  const node = document.getElementById(id);
  if (!(node instanceof (type ?? HTMLElement))) throw new TypeError(`index.html has no #${id} of the expected type`);
  return /** @type {T} */ (node);
}

/**
 * Return a control of a form by its name.
 *
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {HTMLInputElement | HTMLSelectElement}
 * @throws {TypeError} if there is none
 */
export function formControl(form, name) {
  const control = form.elements.namedItem(name);
  if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) return control;
  throw new TypeError(`the form has no control ${name}`);
}

/**
 * Return the texts of a form's named controls.
 *
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>}
 */
export function formValues(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

/**
 * Run a change that may remove the focused button. Without a fallback the focus would move to the top of the page, and
 * a keyboard user would have to start again.
 *
 * @param {HTMLElement} container of the button
 * @param {HTMLElement} fallback gets the focus if the button is gone
 * @param {() => void} change
 */
export function keepFocus(container, fallback, change) {
  const hadFocus = container.contains(document.activeElement);
  change();
  // A hidden element loses the focus only in the next frame.
  const lost = document.activeElement === document.body || document.activeElement?.closest("[hidden]");
  if (hadFocus && lost) fallback.focus({ preventScroll: true });
}

/**
 * Put the caret into the text box that has the focus. When a script closes a dialog, Chromium gives the focus back but
 * leaves the caret in the dialog, and what is typed is lost.
 */
export function restoreCaret() {
  const box = document.activeElement;
  if (box instanceof HTMLTextAreaElement) box.setSelectionRange(box.selectionStart, box.selectionEnd);
}
