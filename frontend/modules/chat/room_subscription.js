/**
 * One room, followed without a hole: joins with the last position, puts events into the timeline in
 * order, and joins again whenever anything shows that something was missed.
 */

import { fullJitter } from "./reconnect_policy.js";
import { LOGGED } from "./timeline.js";

const PAGE = 50;

export class RoomSubscription {
  #room;
  #timeline;
  #request;
  #clock;
  #random;
  #listener;
  /** Whether events flow; between asking to join and `joined` they may belong to either side of a hole. */
  #joined = false;
  /** Where the log stood at `joined`: up to there it is replayed. */
  #head = 0;
  /** Names the current attempt to join; answers to earlier ones are stale. */
  #attempt = 0;
  #failures = 0;
  #cancelRetry = () => {};
  #paging = false;
  /** Ends the pause before a page is asked for again. */
  #wake = () => {};

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {import("./timeline.js").Timeline} options.timeline
   * @param {(command: object) => Promise<any>} options.request rejects with CommandError
   * @param {import("./clock.js").Clock} options.clock
   * @param {{changed(): void, joined(): void, refused(text: string): void, event(event: object): void, paged?(events: object[]): void}} options.listener
   * @param {() => number} [options.random]
   */
  constructor({ room, timeline, request, clock, listener, random = Math.random }) {
    this.#room = room;
    this.#timeline = timeline;
    this.#request = request;
    this.#clock = clock;
    this.#listener = listener;
    this.#random = random;
  }

  /** @returns {boolean} whether an older page is on its way */
  get paging() {
    return this.#paging;
  }

  /** The connection is open (again), or something was missed. */
  async join() {
    this.leave();
    const attempt = this.#attempt;
    const after = this.#timeline.position;
    try {
      await this.#request({ type: "join", room: this.#room, limit: PAGE, ...(after && { after }) });
    } catch (error) {
      // A lost connection brings its own new join.
      if (attempt !== this.#attempt || error.code === "lost") return;
      if (!error.retryable) return this.#listener.refused(error.message);
      const ms = error.retryAfterMs ?? fullJitter(this.#failures++, this.#random);
      this.#cancelRetry = this.#clock.after(ms, () => this.join());
    }
  }

  /** The connection is gone. */
  leave() {
    this.#attempt += 1;
    this.#joined = false;
    this.#cancelRetry();
    this.#wake();
  }

  /** @param {any} frame any frame; those of other rooms are ignored */
  receive(frame) {
    if (frame.room !== this.#room) return;
    if (frame.type === "joined") this.#begin(frame);
    else if (!this.#joined) return;
    else if (LOGGED.has(frame.type)) this.#apply(frame);
    else if (frame.type === "head" && this.#isBehind(frame)) this.join();
  }

  /** A view that is only half replayed is short: its top in sight is no wish to see what is older. */
  get #replaying() {
    return (this.#timeline.position?.seq ?? 0) < this.#head;
  }

  #isBehind(head) {
    const { position } = this.#timeline;
    return position === null || position.epoch !== head.epoch || position.seq < head.seq;
  }

  /**
   * Pages back from the start of a run. Whoever wants a page may say so as often as they like.
   *
   * @param {number} id of the run; its `more` says whether there is anything to ask for
   */
  async loadOlder(id) {
    if (this.#paging || !this.#joined || this.#replaying || this.#pageable(id) === undefined) return;
    this.#paging = true;
    this.#listener.changed();
    await this.#page(id);
    this.#paging = false;
    this.#listener.changed();
  }

  /** Asks until the page is there, is refused, or the connection is gone: that one shows in its own place. */
  async #page(id) {
    const attempt = this.#attempt;
    for (let failures = 0; attempt === this.#attempt; failures += 1) {
      const before = this.#pageable(id)?.events[0].seq;
      if (before === undefined) return;
      const asked = this.#request({ type: "history", room: this.#room, before, limit: PAGE });
      const { page, error } = await asked.then((answer) => ({ page: answer }), (reason) => ({ error: reason }));
      if (page !== undefined) return this.#put(id, before, page);
      if (error.code === "lost") return;
      if (!error.retryable) return this.#timeline.cut(id);
      // A top that stays in sight would otherwise ask sixty times a second.
      await this.#pause(error.retryAfterMs ?? fullJitter(failures, this.#random), attempt);
    }
  }

  #put(id, before, { epoch, events, more }) {
    if (this.#timeline.prepend(id, epoch, events, more)) return this.#listener.paged?.(events);
    // Trimmed while it was on its way, the run has another start now, and may be asked for again.
    const run = this.#pageable(id);
    if (run?.events[0].seq !== before) return;
    this.#timeline.cut(id);
    if (run.epoch !== epoch) this.join();
  }

  #pageable(id) {
    return this.#timeline.runs.find((run) => run.id === id && run.more && run.events.length > 0);
  }

  /** Ends early when `attempt` does. */
  #pause(ms, attempt) {
    if (attempt !== this.#attempt) return undefined;
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => resolve(undefined));
      this.#wake = () => {
        cancel();
        resolve(undefined);
      };
    });
  }

  /** Runs before the frame after it is read: the replay follows `joined` directly. */
  #begin(joined) {
    this.#joined = true;
    this.#failures = 0;
    this.#head = joined.seq;
    if (joined.status === "fresh") this.#timeline.startFresh(joined);
    if (joined.status === "gap") this.#timeline.startAfterGap(joined);
    this.#listener.joined();
    this.#listener.changed();
  }

  #apply(event) {
    const outcome = this.#timeline.apply(event);
    if (outcome === "applied") {
      this.#listener.event(event);
      this.#listener.changed();
    } else if (outcome !== "duplicate") this.join();
  }
}
