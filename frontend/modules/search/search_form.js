/** What to search for: the words, and the filters room, person and time. */

import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { PersonFilter } from "./person_filter.js";

/** The server's limit. */
const MAX_WORDS_CHARACTERS = "1000";

/**
 * @typedef {import("./search_filters.js").SearchFilters} SearchFilters
 *
 * @typedef {object} SearchFormListener
 * @property {(filters: SearchFilters) => void} onType the words have changed
 * @property {(filters: SearchFilters) => void} onSubmit Enter was pressed, or a filter has changed
 * @property {() => void} onArrowDown in the words
 */

export class SearchForm {
  words = element("input", {
    id: "search-words",
    type: "search",
    autocomplete: "off",
    maxlength: MAX_WORDS_CHARACTERS,
    enterkeyhint: "search",
    "aria-describedby": "search-hint",
    autofocus: true,
  });
  #room;
  #person;
  #since = element("input", { id: "search-since", type: "date" });
  #until = element("input", { id: "search-until", type: "date" });

  /**
   * @param {object} options
   * @param {readonly import("../rooms/room.js").Room[]} options.rooms of the user
   * @param {import("../rooms/room.js").Room | null} options.shown
   * @param {import("../rooms/room_api.js").RoomApi} options.api
   * @param {import("../clock.js").Clock} options.clock
   * @param {SearchFormListener} options.listener
   */
  constructor({ rooms, shown, api, clock, listener }) {
    const submit = () => listener.onSubmit(this.filters);
    this.#room = element("select", { id: "search-room" }, ...roomOptions(rooms, shown));
    this.#person = new PersonFilter({ api, clock, onChange: submit });
    this.node = element(
      "form",
      { class: "search-form", role: "search", "aria-label": text("search.form"), novalidate: true },
      field(text("search.words"), this.words, element("p", { id: "search-hint", class: "hint" }, text("search.hint"))),
      element(
        "div",
        { class: "search-filters" },
        field(text("search.room"), this.#room),
        this.#person.node,
        field(text("search.since"), this.#since),
        field(text("search.until"), this.#until),
      ),
    );
    this.words.addEventListener("input", () => listener.onType(this.filters));
    this.words.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" || event.isComposing) return;
      event.preventDefault();
      listener.onArrowDown();
    });
    for (const control of [this.#room, this.#since, this.#until]) control.addEventListener("change", submit);
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
  }

  /** @returns {SearchFilters} */
  get filters() {
    return {
      words: this.words.value,
      room: this.#room.value,
      author: this.#person.person,
      since: this.#since.value,
      until: this.#until.value,
    };
  }

  set filters({ words, room, author, since, until }) {
    this.words.value = words;
    this.words.select();
    this.#room.value = [...this.#room.options].some(({ value }) => value === room) ? room : "";
    this.#person.person = author;
    this.#since.value = since;
    this.#until.value = until;
  }

  close() {
    this.#person.close();
  }
}

/**
 * @param {readonly import("../rooms/room.js").Room[]} rooms
 * @param {import("../rooms/room.js").Room | null} shown
 */
function roomOptions(rooms, shown) {
  const others = rooms.filter((room) => room !== shown).sort((a, b) => a.title.localeCompare(b.title));
  return [
    element("option", { value: "" }, text("search.room.all")),
    shown === null ? null : element("option", { value: shown.id }, text("search.room.shown", { room: shown.title })),
    ...others.map(({ id, title }) => element("option", { value: id }, title)),
  ];
}

/**
 * @param {string} label
 * @param {HTMLInputElement | HTMLSelectElement} control
 * @param {HTMLElement | null} [hint]
 */
function field(label, control, hint = null) {
  return element("div", { class: "field" }, element("label", { for: control.id }, label), control, hint);
}
