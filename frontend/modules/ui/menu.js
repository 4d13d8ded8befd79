/**
 * A menu behind a button: actions of one row of a list. Arrow keys move in it, Escape and a press elsewhere close it (it
 * is a popover), and the focus returns to the button.
 *
 * @typedef {{label: string, run(): void, isDanger?: boolean, isChecked?: boolean}} MenuItem
 */

import { button, element, svgElement } from "./dom.js";

const GAP_PX = 4;

/**
 * @param {string} label of the button, for example "Actions for ada"
 * @param {() => MenuItem[]} items called each time the menu opens
 * @returns {HTMLElement}
 */
export function menuButton(label, items) {
  const menu = element("div", { role: "menu", class: "menu", popover: "auto", "aria-label": label });
  const opener = button("", () => open(), {
    class: "icon-button small",
    "aria-label": label,
    title: label,
    "aria-haspopup": "menu",
    "aria-expanded": "false",
  });
  opener.append(
    svgElement(
      "svg",
      { viewBox: "0 0 24 24", width: "20", height: "20", "aria-hidden": "true", class: "dots" },
      ...["5", "12", "19"].map((cx) => svgElement("circle", { cx, cy: "12", r: "1.4" })),
    ),
  );

  function open() {
    if (menu.matches(":popover-open")) {
      menu.hidePopover();
      return;
    }
    menu.replaceChildren(...items().map((item) => renderItem(item, menu, opener)));
    menu.showPopover();
    place(menu, opener);
    focusItem(menu, 0);
  }

  menu.addEventListener("toggle", (event) => {
    const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
    opener.setAttribute("aria-expanded", String(isOpen));
  });
  menu.addEventListener("keydown", (event) => onKey(event, menu, opener));
  return element("span", { class: "menu-anchor" }, opener, menu);
}

/**
 * @param {MenuItem} item
 * @param {HTMLElement} menu
 * @param {HTMLElement} opener
 */
function renderItem({ label, run, isDanger = false, isChecked }, menu, opener) {
  const attributes = {
    role: isChecked === undefined ? "menuitem" : "menuitemradio",
    "aria-checked": isChecked === undefined ? null : String(isChecked),
    tabindex: "-1",
    class: isDanger ? "destructive" : "",
  };
  return button(
    label,
    () => {
      menu.hidePopover();
      opener.focus();
      run();
    },
    attributes,
  );
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} menu
 * @param {HTMLElement} opener
 */
function onKey(event, menu, opener) {
  const items = [...menu.children];
  const index = items.indexOf(/** @type {Element} */ (document.activeElement));
  const targets = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: items.length - 1 };
  if (event.key in targets) {
    event.preventDefault();
    event.stopPropagation();
    focusItem(menu, targets[/** @type {keyof typeof targets} */ (event.key)]);
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation(); // Escape closes the menu only, not the dialog behind it
    menu.hidePopover();
    opener.focus();
  }
}

/**
 * @param {HTMLElement} menu
 * @param {number} index from either end
 */
function focusItem(menu, index) {
  const items = [...menu.children];
  const item = items.at(index % items.length);
  if (item instanceof HTMLElement) item.focus();
}

/**
 * Below the button, or above it where there is no space.
 *
 * @param {HTMLElement} menu
 * @param {HTMLElement} opener
 */
function place(menu, opener) {
  const anchor = opener.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = anchor.bottom + GAP_PX;
  const top = below + height > innerHeight ? Math.max(GAP_PX, anchor.top - GAP_PX - height) : below;
  const left = Math.min(Math.max(GAP_PX, anchor.right - width), innerWidth - width - GAP_PX);
  Object.assign(menu.style, { top: `${top}px`, left: `${left}px` });
}
