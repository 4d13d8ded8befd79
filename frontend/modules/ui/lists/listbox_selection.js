/**
 * The options of a listbox and the selected one, while the focus stays in a text box (combobox with a listbox, WAI-ARIA
 * Authoring Practices).
 */

export class ListboxSelection {
  #input;
  #list;
  /** The index of the selected option; 0 without options. */
  index = 0;

  /**
   * @param {HTMLElement} input
   * @param {HTMLElement} list with an id
   */
  constructor(input, list) {
    this.#input = input;
    this.#list = list;
  }

  /**
   * Show these options, and select the first one.
   *
   * @param {HTMLElement[]} options
   */
  show(options) {
    for (const [index, option] of options.entries()) option.id = `${this.#list.id}-${index}`;
    this.#list.replaceChildren(...options);
    this.select(0);
  }

  /** @param {number} index beyond the ends it goes round */
  select(index) {
    const options = [...this.#list.children];
    this.index = options.length === 0 ? 0 : (index + options.length) % options.length;
    for (const [at, option] of options.entries()) option.setAttribute("aria-selected", String(at === this.index));
    const selected = options.at(this.index);
    selected?.scrollIntoView({ block: "nearest" });
    if (selected === undefined) this.#input.removeAttribute("aria-activedescendant");
    else this.#input.setAttribute("aria-activedescendant", selected.id);
  }

  /**
   * Move the selection by an arrow key.
   *
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it was one
   */
  handleKey({ key }) {
    if (key !== "ArrowDown" && key !== "ArrowUp") return false;
    this.select(this.index + (key === "ArrowDown" ? 1 : -1));
    return true;
  }

  /**
   * Return which option contains the target of an event.
   *
   * @param {EventTarget | null} target
   * @returns {number} -1: none
   */
  indexOf(target) {
    return [...this.#list.children].findIndex((option) => target instanceof Node && option.contains(target));
  }
}
