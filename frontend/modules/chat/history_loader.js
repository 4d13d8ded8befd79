/**
 * Loads pages of a room's history into its timeline, one at a time: older ones, those that were unloaded, or the page
 * around a message. A page is requested until it arrives, is refused, or the connection is lost.
 *
 * @typedef {object} PageListener
 * @property {() => void} onChange the timeline or `isLoading` changed
 * @property {(events: import("../net/protocol.js").RoomEvent[]) => void} onPage a page was loaded
 * @property {() => void} onOtherEpoch the log has another epoch than the timeline
 *
 * @typedef {object} PageRequest
 * @property {() => import("../net/protocol.js").HistoryRange | null} range null: there is nothing to load any more
 * @property {(page: import("../net/protocol.js").HistoryPage) => void} onPage
 * @property {() => void} onRefused the server refuses the page, and would again
 */

import { CommandError } from "../net/socket/pending_requests.js";
import { RetryPolicy } from "../net/retry_policy.js";
import { consecutiveEvents } from "./history_page.js";
import { firstSeqOf } from "./segments.js";

const PAGE_SIZE = 50;

export class HistoryLoader {
  #room;
  #timeline;
  #connection;
  #clock;
  #random;
  #listener;
  #isStarted = false;
  /** The newest seq in the log at `start`: events up to it are a replay. */
  #headSeq = 0;
  #isLoading = false;
  /** Counts connections: pages of earlier ones are not requested again. */
  #attempt = 0;
  /** Ends the pause before a page is requested again. */
  #wake = () => {};

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {import("./timeline.js").Timeline} options.timeline
   * @param {Pick<import("../tabs/shared_connection.js").SharedConnection, "request">} options.connection
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => number} options.random
   * @param {PageListener} options.listener
   */
  constructor({ room, timeline, connection, clock, random, listener }) {
    this.#room = room;
    this.#timeline = timeline;
    this.#connection = connection;
    this.#clock = clock;
    this.#random = random;
    this.#listener = listener;
  }

  /** @returns {boolean} whether a page is being loaded */
  get isLoading() {
    return this.#isLoading;
  }

  /**
   * The room is joined: pages can be loaded once the replay has arrived.
   *
   * @param {number} headSeq the newest seq in the log
   */
  start(headSeq) {
    this.#isStarted = true;
    this.#headSeq = headSeq;
  }

  /** The connection is gone: load nothing before the next `start`. */
  stop() {
    this.#attempt += 1;
    this.#isStarted = false;
    this.#wake();
  }

  /**
   * Load the page before a segment. May be called often: one page is loaded at a time.
   *
   * @param {number} id of the segment
   */
  async loadOlder(id) {
    const findLoadable = () => this.#findLoadable(id);
    if (findLoadable() === undefined) return;
    let before = 0;
    await this.#load({
      range() {
        const segment = findLoadable();
        const first = segment === undefined ? null : firstSeqOf(segment);
        if (first === null) return null;
        before = first;
        return { before };
      },
      onPage: (page) => this.#prepend(id, before, page),
      onRefused: () => this.#timeline.markUnreachable(id),
    });
  }

  /** Load the first page of the unloaded events. May be called often. */
  async loadNewer() {
    const { pages } = this.#timeline;
    const first = pages.firstUnloadedSeq;
    if (first === null) return;
    await this.#load({
      range: () => ({ after: first - 1 }),
      onPage: (page) => {
        const end = this.#timeline.position?.seq ?? 0;
        const last = page.more_after ? Math.min(end, page.events.at(-1)?.seq ?? 0) : end;
        const events = consecutiveEvents(page, first, last);
        // Messages before `first` are shown. If the server has none of them any more, those after `first` may be gone, too.
        if (page.more_before && pages.append(page.epoch, events)) this.#listener.onPage(events);
        else pages.showUnloadedAsGap();
      },
      onRefused: () => pages.showUnloadedAsGap(),
    });
  }

  /**
   * Show the page around an event instead of what is loaded.
   *
   * @param {number} seq
   * @returns {Promise<boolean>} false if it is not there, or the connection was lost
   */
  async loadAround(seq) {
    let isFound = false;
    await this.#load({
      range: () => ({ around: seq }),
      onPage: (page) => {
        const [first, last] = [page.events.at(0)?.seq ?? seq, page.events.at(-1)?.seq ?? seq];
        const events = consecutiveEvents(page, first, last);
        const more = { hasOlder: page.more_before, hasNewer: page.more_after };
        isFound = page.events.some((event) => event.seq === seq);
        isFound &&= this.#timeline.pages.replaceAll(page.epoch, events, more);
        if (isFound) this.#listener.onPage(events);
      },
      onRefused: () => {},
    });
    return isFound;
  }

  // -- Internal --

  /**
   * Load one page at a time. Until a replay has arrived, the view is short and its top is visible: the reader did not
   * scroll there.
   *
   * @param {PageRequest} pageRequest
   */
  async #load(pageRequest) {
    if (this.#isLoading || !this.#isStarted || (this.#timeline.position?.seq ?? 0) < this.#headSeq) return;
    this.#isLoading = true;
    this.#listener.onChange();
    await this.#loadPage(pageRequest);
    this.#isLoading = false;
    this.#listener.onChange();
  }

  /** @param {PageRequest} pageRequest */
  async #loadPage({ range: nextRange, onPage, onRefused }) {
    const attempt = this.#attempt;
    const retries = new RetryPolicy({ random: this.#random });
    while (attempt === this.#attempt) {
      const range = nextRange();
      if (range === null) return;
      try {
        onPage(await this.#connection.request({ type: "history", room: this.#room, limit: PAGE_SIZE, ...range }));
        return;
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        if (error.code === "lost") return; // which the connection status shows
        if (!error.retryable) {
          onRefused();
          return;
        }
        // Without a pause, a visible top would send a request with every frame, sixty times a second.
        await this.#sleep(retries.delay(this.#clock.now(), { retryAfterMs: error.retryAfterMs }), attempt);
      }
    }
  }

  /**
   * @param {number} id
   * @param {number} before
   * @param {import("../net/protocol.js").HistoryPage} page
   */
  #prepend(id, before, page) {
    const { epoch, more_before: hasOlder } = page;
    const events = consecutiveEvents(page, page.events.at(0)?.seq ?? before, before - 1);
    if (this.#timeline.pages.prepend(id, epoch, events, hasOlder)) {
      this.#listener.onPage(events);
      return;
    }
    // If the segment was trimmed meanwhile, it has another start and may be loaded again.
    const segment = this.#findLoadable(id);
    if (segment === undefined || firstSeqOf(segment) !== before) return;
    this.#timeline.markUnreachable(id);
    if (segment.epoch !== epoch) this.#listener.onOtherEpoch();
  }

  /** @param {number} id */
  #findLoadable(id) {
    return this.#timeline.segments.find(
      (segment) => segment.id === id && segment.hasOlder && firstSeqOf(segment) !== null,
    );
  }

  /**
   * Ends early when the connection is gone.
   *
   * @param {number} ms
   * @param {number} attempt
   * @returns {Promise<void>}
   */
  async #sleep(ms, attempt) {
    if (attempt !== this.#attempt) return;
    await new Promise((resolve) => {
      const cancel = this.#clock.schedule(ms, () => resolve(undefined));
      this.#wake = () => {
        cancel();
        resolve(undefined);
      };
    });
  }
}
