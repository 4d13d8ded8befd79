/** The title and the icon of the window: the room that is shown, and how many messages are unread. */

import { element } from "../ui/dom.js";

const APPLICATION = "cloudchat";
const MAX_SHOWN_COUNT = 99;

export class WindowTitle {
  #room = "";
  #unread = 0;

  /** @param {string} title of the room; empty: none */
  setRoom(title) {
    this.#room = title;
    this.#render();
  }

  /** @param {number} count */
  setUnread(count) {
    this.#unread = count;
    this.#render();
  }

  reset() {
    this.#room = "";
    this.setUnread(0);
  }

  #render() {
    const title = windowTitle(this.#room, this.#unread);
    if (document.title === title) return;
    document.title = title;
    const icon = document.querySelector('link[rel="icon"]');
    const shown = icon?.getAttribute("href") ?? "";
    // The files of the page may be in a directory that is named by their version.
    const href = shown.replace(/[^/]*$/u, this.#unread > 0 ? "icon-unread.svg" : "icon.svg");
    // A new element: some browsers ignore a changed address.
    if (shown !== href) icon?.replaceWith(element("link", { rel: "icon", href, type: "image/svg+xml" }));
  }
}

/**
 * @param {string} room
 * @param {number} unread
 * @returns {string} for example "(3) lobby – cloudchat"
 */
export function windowTitle(room, unread) {
  const count = unread > MAX_SHOWN_COUNT ? `${MAX_SHOWN_COUNT}+` : String(unread);
  return `${unread > 0 ? `(${count}) ` : ""}${room === "" ? "" : `${room} – `}${APPLICATION}`;
}
