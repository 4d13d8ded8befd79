/**
 * Whose messages are searched: a box that completes the names of people. The focus stays in the box, arrow keys move the
 * selection.
 */

import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { ListboxSelection } from "../ui/lists/listbox_selection.js";

const DELAY_MS = 150;
const MAX_PEOPLE = 6;

/** @typedef {import("../net/protocol.js").Author} Author */

export class PersonFilter {
  #api;
  #clock;
  #onChange;
  #list = element("ul", { id: "search-people", role: "listbox", "aria-label": text("search.people"), hidden: true });
  #status = element("p", { class: "hint", role: "status" });
  #input = element("input", {
    id: "search-person",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-expanded": "false",
    "aria-controls": "search-people",
    "aria-autocomplete": "list",
    placeholder: text("search.person_any"),
  });
  /** @type {Author[]} */
  #people = [];
  #selection = new ListboxSelection(this.#input, this.#list);
  /** Counts letters: the answer to earlier ones is discarded. */
  #generation = 0;
  #cancelTimer = () => {};
  /** @type {Author | null} null: everyone */
  #person = null;

  /**
   * @param {object} options
   * @param {import("../rooms/room_api.js").RoomApi} options.api
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => void} options.onChange
   */
  constructor({ api, clock, onChange }) {
    this.#api = api;
    this.#clock = clock;
    this.#onChange = onChange;
    const label = element("label", { for: this.#input.id }, text("search.person"));
    this.node = element("div", { class: "field person-filter" }, label, this.#input, this.#list, this.#status);
    this.#input.addEventListener("input", () => this.#onInput());
    this.#input.addEventListener("keydown", (event) => this.#onKey(event));
    this.#input.addEventListener("blur", () => this.#onBlur());
    // A press must not move the focus: that would hide the list before the click.
    this.#list.addEventListener("mousedown", (event) => event.preventDefault());
    this.#list.addEventListener("click", ({ target }) => {
      const person = this.#people[this.#selection.indexOf(target)];
      if (person !== undefined) this.#choose(person);
    });
  }

  /** @returns {Author | null} who was chosen; null: everyone */
  get person() {
    return this.#person;
  }

  /** @param {Author | null} person */
  set person(person) {
    this.#person = person;
    this.#input.value = person?.name ?? "";
    this.#status.textContent = "";
  }

  close() {
    this.#generation += 1;
    this.#cancelTimer();
  }

  // -- Internal --

  #onInput() {
    this.close();
    this.#status.textContent = "";
    if (this.#person !== null) {
      this.#person = null;
      this.#onChange();
    }
    const query = this.#input.value.trim();
    if (query === "") this.#show([]);
    else this.#cancelTimer = this.#clock.schedule(DELAY_MS, () => this.#complete(query));
  }

  /** @param {string} query */
  async #complete(query) {
    const generation = this.#generation;
    // Without an answer there are no suggestions; the next letter asks again.
    const { users } = await this.#api.findUsers(query).catch(() => ({ users: [] }));
    if (generation === this.#generation) this.#show(users.slice(0, MAX_PEOPLE));
  }

  /** @param {Author[]} people */
  #show(people) {
    this.#people = people;
    this.#list.hidden = people.length === 0;
    this.#input.setAttribute("aria-expanded", String(people.length > 0));
    this.#selection.show(people.map(({ name }) => element("li", { role: "option" }, element("bdi", {}, name))));
  }

  /** @param {Author} person */
  #choose(person) {
    this.close();
    this.person = person;
    this.#show([]);
    this.#onChange();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const person = this.#people[this.#selection.index];
    if (event.isComposing || person === undefined) return;
    if (event.key === "Enter") this.#choose(person);
    else if (event.key === "Escape") this.#show([]);
    else if (!this.#selection.handleKey(event)) return;
    event.preventDefault(); // Enter would submit the form, Escape close the dialog
    event.stopPropagation();
  }

  /** A name that was typed in full is chosen; part of a name is not. */
  #onBlur() {
    const typed = this.#input.value.trim().toLocaleLowerCase();
    const person = this.#people.find(({ name }) => name.toLocaleLowerCase() === typed);
    if (person !== undefined) this.#choose(person);
    else this.#show([]);
    if (typed !== "" && this.#person === null) this.#status.textContent = text("search.person_unknown");
  }
}
