/** What was found: a list of links to the messages, and the status of the search in words. */

import { messageOf } from "../error_text.js";
import { formatDateTime, formatDuration } from "../format.js";
import { roomHash } from "../route.js";
import { text } from "../strings/strings.js";
import { button, element, keepFocus } from "../ui/dom.js";
import { navigate } from "../ui/layers.js";
import { highlightedParts } from "./highlighted_text.js";

/**
 * @typedef {import("../rooms/room_api.js").SearchHit} SearchHit
 * @typedef {import("./message_search.js").SearchState} SearchState
 */

export class SearchResults {
  #roomTitle;
  #words;
  #list = element("ol", { class: "search-hits", "aria-label": text("search.results") });
  #status = element("p", { class: "hint", role: "status" });
  #error = element("p", { class: "error", role: "alert", hidden: true });
  #countdown = element("span", { "aria-live": "off" });
  #more;
  #retry;
  /** @type {readonly SearchHit[]} */
  #hits = [];
  /** @type {Error | null} */
  #shownError = null;

  /**
   * @param {object} options
   * @param {(id: string) => string} options.roomTitle
   * @param {HTMLElement} options.words the search box, which gets the focus that has no other place
   * @param {() => void} options.onMore
   * @param {() => void} options.onRetry
   */
  constructor({ roomTitle, words, onMore, onRetry }) {
    this.#roomTitle = roomTitle;
    this.#words = words;
    this.#more = button(text("shell.load_more"), onMore, { class: "secondary", hidden: true });
    this.#retry = button(text("search.retry"), onRetry, { class: "secondary", hidden: true });
    this.node = element(
      "div",
      { class: "search-results" },
      this.#status,
      this.#list,
      this.#error,
      this.#retry,
      this.#more,
    );
    this.#list.addEventListener("keydown", (event) => this.#onKey(event));
    this.#list.addEventListener("click", (event) => this.#onClick(event));
  }

  /** @param {SearchState} state */
  show(state) {
    const { phase, hits, next } = state;
    const hadFocus = this.node.contains(document.activeElement);
    const count = this.#hits.length;
    const isNextPage = count > 0 && hits.length > count && hits[0] === this.#hits[0];
    keepFocus(this.node, this.#words, () => {
      if (isNextPage) this.#list.append(...hits.slice(count).map((hit) => this.#renderHit(hit)));
      else if (hits !== this.#hits) this.#list.replaceChildren(...hits.map((hit) => this.#renderHit(hit)));
      this.#hits = hits;
      this.#retry.hidden = phase !== "failed";
      // While a page is loaded, its button keeps the focus.
      if (phase !== "searching") this.#more.hidden = phase !== "found" || next === null;
      if (hadFocus && isNextPage) this.#link(count)?.focus();
    });
    this.#list.setAttribute("aria-busy", String(phase === "searching"));
    this.#status.textContent = statusOf(state);
    this.#showError(state);
  }

  focusFirst() {
    this.#link(0)?.focus();
  }

  // -- Internal --

  /** @param {SearchState} state */
  #showError({ phase, error, waitSeconds }) {
    this.#error.hidden = error === null;
    if (error !== null && error !== this.#shownError) {
      this.#error.replaceChildren(`${messageOf(error)} `, this.#countdown);
    }
    this.#shownError = error;
    // A screen reader speaks the first number only; the countdown is for the eye.
    this.#countdown.textContent = phase === "waiting" ? text("search.wait", { time: formatDuration(waitSeconds) }) : "";
  }

  /** @param {SearchHit} hit */
  #renderHit({ room, seq, user, text: message, at, highlights }) {
    const parts = highlightedParts(message, highlights).map((part) =>
      part.isMatch ? element("mark", {}, part.text) : part.text,
    );
    const link = element(
      "a",
      { href: roomHash(room, seq), class: "search-hit", "data-testid": "search-hit" },
      element("bdi", { class: "row-title" }, user.name),
      element("span", { class: "hint" }, text("search.in_room", { room: this.#roomTitle(room) })),
      element("time", { class: "hint", datetime: at }, formatDateTime(at)),
      element("span", { class: "search-text", dir: "auto" }, ...parts),
    );
    return element("li", {}, link);
  }

  /** @param {number} index */
  #link(index) {
    return this.#list.children[index]?.querySelector("a") ?? null;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const index = [...this.#list.children].findIndex((row) => row.contains(document.activeElement));
    const last = this.#hits.length - 1;
    const target = { ArrowDown: Math.min(index + 1, last), ArrowUp: index - 1, Home: 0, End: last }[event.key];
    if (target === undefined || index < 0) return;
    event.preventDefault();
    if (target < 0) this.#words.focus();
    else this.#link(target)?.focus();
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    navigate(link.hash);
  }
}

/** @param {SearchState} state */
function statusOf({ phase, hits, next }) {
  if (phase === "searching") return text("search.searching");
  if (phase === "found" && hits.length === 0) return text("search.none");
  if (phase === "found") return text(next === null ? "search.found" : "search.found_more", { count: hits.length });
  return "";
}
