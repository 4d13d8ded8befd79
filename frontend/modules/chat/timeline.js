/**
 * What this page knows of one room's log: runs of events without a hole, oldest first. Usually there is
 * one run; after a `gap` there are two, with the hole shown between them until paging back closes it.
 *
 * Pure state: no DOM, no socket. The log itself is kept (bounded), and what is shown is folded from it
 * (fold.js), so that an edit whose message is paged in later still applies.
 *
 * @typedef {object} LoggedEvent a frame of the protocol with a place in the log
 * @property {"message" | "edited" | "deleted" | "reaction"} type
 * @property {string} epoch
 * @property {number} seq
 *
 * @typedef {object} Run
 * @property {number} id names this run for the view, whatever is paged into it
 * @property {string} epoch
 * @property {number | null} last seq of the newest event; null until the first one came
 * @property {LoggedEvent[]} events without a hole
 * @property {boolean} more whether the server keeps older events of this epoch
 * @property {boolean} cut whether what is older can't be had from here, be it kept or not
 */

export const LOGGED = new Set(["message", "edited", "deleted", "reaction"]);

/** Events that are kept, also where nobody draws them: a hidden tab gets events and not a single frame. */
export const MOST = 5_000;

export class Timeline {
  /** @type {Run[]} */
  #runs = [];
  #oldest = 1;
  #head = 0;
  #nextId = 1;

  /** @returns {{epoch: string, seq: number} | null} where this page is; what `join … after` says */
  get position() {
    const run = this.#runs.findLast((candidate) => candidate.last !== null);
    return run ? { epoch: run.epoch, seq: run.last } : null;
  }

  /** @returns {readonly Run[]} */
  get runs() {
    return this.#runs;
  }

  get size() {
    return this.#runs.reduce((sum, run) => sum + run.events.length, 0);
  }

  /** @returns {boolean} whether nothing is older than the oldest event here */
  get begins() {
    const [run] = this.#runs;
    return run !== undefined && !run.more && !run.cut;
  }

  /** `joined` with status fresh: what came before counts no more. */
  startFresh(joined) {
    this.#runs = [];
    this.#startRun(joined);
  }

  /** `joined` with status gap: keep what is there, and leave a visible hole. */
  startAfterGap(joined) {
    this.#runs = this.#runs.filter((run) => run.events.length > 0);
    // History is asked for by seq: for an earlier numbering there is no question to ask.
    for (const run of this.#runs) if (run.epoch !== joined.epoch) this.cut(run.id);
    this.#startRun(joined);
  }

  /**
   * @param {LoggedEvent} event
   * @returns {"applied" | "duplicate" | "hole" | "foreign"} for the last two, nothing changed and the
   *   caller has to join again with `position`
   */
  apply(event) {
    const run = this.#runs.at(-1);
    if (run === undefined || event.epoch !== run.epoch) return "foreign";
    if (run.last !== null && event.seq <= run.last) return "duplicate";
    if (run.last !== null && event.seq !== run.last + 1) return "hole";
    if (run.last === null) run.more = event.seq > this.#oldest;
    run.events.push(event);
    run.last = event.seq;
    this.#close(this.#runs.length - 1);
    this.trim(MOST);
    return "applied";
  }

  /**
   * A page of history that ends right before what the run has.
   *
   * @param {number} id
   * @param {LoggedEvent[]} events oldest first
   * @param {boolean} more
   * @returns {boolean} false if the page does not fit (any more)
   */
  prepend(id, epoch, events, more) {
    const index = this.#runs.findIndex((run) => run.id === id);
    const run = this.#runs[index];
    if (run === undefined || run.epoch !== epoch || run.events.length === 0) return false;
    const older = events.filter((event) => event.seq < run.events[0].seq);
    if (older.length > 0 && older.at(-1).seq !== run.events[0].seq - 1) return false;
    run.events = [...older, ...run.events];
    run.more = more && older.length > 0;
    this.#close(index);
    return true;
  }

  /** What is older than this run can't be had. @param {number} id */
  cut(id) {
    const run = this.#runs.find((candidate) => candidate.id === id);
    if (run !== undefined) Object.assign(run, { more: false, cut: true });
  }

  /** Keep the newest `limit` events; older ones are paged in again when someone scrolls there. */
  trim(limit) {
    let excess = this.size - limit;
    while (excess > 0) {
      const run = this.#runs[0];
      const dropped = run.events.splice(0, excess);
      excess -= dropped.length;
      run.more = !run.cut;
      if (run.events.length === 0) this.#runs.shift();
    }
  }

  /** @returns {boolean} whether the event at this place has been seen or been passed over by a gap */
  isPast({ epoch, seq }) {
    const { position } = this;
    return position !== null && (position.epoch !== epoch || position.seq >= seq);
  }

  /** @returns {boolean} whether this event was there already when the newest run began */
  isBacklog({ epoch, seq }) {
    return epoch !== this.#runs.at(-1)?.epoch || seq <= this.#head;
  }

  #startRun({ epoch, seq, oldest }) {
    this.#oldest = oldest ?? 1;
    this.#head = seq;
    // An empty room has a position too: the next event is its first.
    const empty = seq === 0 || oldest > seq;
    this.#runs.push({ id: this.#nextId++, epoch, last: empty ? seq : null, events: [], more: false, cut: false });
  }

  /** Joins a run to the one before it when no hole is left between them. */
  #close(index) {
    const [before, run] = [this.#runs[index - 1], this.#runs[index]];
    if (before === undefined || before.epoch !== run.epoch || before.last + 1 < run.events[0].seq) return;
    const first = run.events[0].seq;
    run.events = [...before.events.filter((event) => event.seq < first), ...run.events];
    Object.assign(run, { more: before.more, cut: before.cut });
    this.#runs.splice(index - 1, 1);
  }
}
