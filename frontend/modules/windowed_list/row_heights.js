/**
 * The heights of all rows, measured where a row has been on the screen, estimated elsewhere, and from them the place of
 * each row. No DOM.
 */

/** @template {{key: string}} Row */
export class RowHeights {
  /** @type {Map<string, number>} */
  #measured = new Map();
  /** @type {readonly Row[]} */
  #rows = [];
  /** Where each row begins; one more for the end. */
  #tops = new Float64Array(1);
  #isStale = false;
  #estimate;

  /** @param {(row: Row) => number} estimate of a row that was not measured */
  constructor(estimate) {
    this.#estimate = estimate;
  }

  /** @param {readonly Row[]} rows */
  setRows(rows) {
    this.#rows = rows;
    this.#isStale = true;
    if (this.#measured.size > 2 * rows.length + 1_000) this.#forgetOthers();
  }

  /**
   * @param {string} key
   * @param {number} height
   */
  set(key, height) {
    if (this.#measured.get(key) === height) return;
    this.#measured.set(key, height);
    this.#isStale = true;
  }

  /** The list has another width: what was measured is no longer true. */
  forget() {
    this.#measured.clear();
    this.#isStale = true;
  }

  /** @returns {number} of all rows */
  get total() {
    return this.top(this.#rows.length);
  }

  /**
   * @param {number} index
   * @returns {number} where the row begins
   */
  top(index) {
    if (this.#isStale) this.#sum();
    return this.#tops[index];
  }

  /**
   * @param {number} y
   * @returns {number} index of the row at a place: the first or the last one beyond the ends
   */
  indexAt(y) {
    if (this.#isStale) this.#sum();
    let [low, high] = [0, this.#rows.length];
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (this.#tops[middle] <= y) low = middle;
      else high = middle;
    }
    return low;
  }

  #sum() {
    const count = this.#rows.length;
    if (this.#tops.length < count + 1) this.#tops = new Float64Array(2 * count + 1);
    let top = 0;
    for (let index = 0; index < count; index += 1) {
      this.#tops[index] = top;
      const row = this.#rows[index];
      top += this.#measured.get(row.key) ?? this.#estimate(row);
    }
    this.#tops[count] = top;
    this.#isStale = false;
  }

  #forgetOthers() {
    const keys = new Set(this.#rows.map(({ key }) => key));
    for (const key of this.#measured.keys()) if (!keys.has(key)) this.#measured.delete(key);
  }
}
