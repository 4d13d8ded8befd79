/**
 * One room, followed without missing an event: joins from the last position, adds the events to the timeline in order,
 * and joins again whenever an event turns out to be missing.
 *
 * @typedef {object} RoomListener
 * @property {() => void} onChange the timeline or `isLoading` changed
 * @property {() => void} onJoined
 * @property {(reason: string) => void} onRefused the room cannot be joined
 * @property {(event: import("../net/protocol.js").RoomEvent) => void} onEvent
 * @property {(events: import("../net/protocol.js").RoomEvent[]) => void} onPage a page of history was loaded
 *
 * @typedef {object} PageRequest
 * @property {() => import("../net/protocol.js").HistoryRange | null} range null: there is nothing to load any more
 * @property {(page: import("../net/protocol.js").HistoryPage) => void} onPage
 * @property {() => void} onRefused the server refuses the page, and would again
 */

import { CommandError } from "../net/pending_requests.js";
import { isRoomEvent } from "../net/protocol.js";
import { RetryPolicy } from "../net/retry_policy.js";
import { consecutiveEvents } from "./history_page.js";
import { firstSeqOf } from "./timeline.js";

const PAGE_SIZE = 50;
/** What is kept of a room that is not shown. */
const MAX_HIDDEN_EVENTS = 100;

export class RoomSubscription {
  #room;
  #timeline;
  #connection;
  #clock;
  #random;
  #listener;
  /** Whether events are applied. Events between `join` and `joined` may belong to either side of a gap. */
  #joined = false;
  /** The newest seq in the log at `joined`: events up to it are a replay. */
  #headSeq = 0;
  /** Counts attempts to join: replies to earlier ones are stale. */
  #attempt = 0;
  /** Of joins. The reason for each may be permanent, for example events that the page does not understand. */
  #retries;
  #cancelRetry = () => {};
  #isLoading = false;
  #isShown = true;
  /** Whether the join that is being answered asked for the newest events. */
  #hasReplay = true;
  /** Ends the pause before a page is requested again. */
  #wake = () => {};

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {import("./timeline.js").Timeline} options.timeline
   * @param {Pick<import("../net/connection.js").Connection, "request">} options.connection
   * @param {import("../clock.js").Clock} options.clock
   * @param {RoomListener} options.listener
   * @param {() => number} [options.random]
   */
  constructor({ room, timeline, connection, clock, listener, random = Math.random }) {
    this.#room = room;
    this.#timeline = timeline;
    this.#connection = connection;
    this.#clock = clock;
    this.#listener = listener;
    this.#random = random;
    this.#retries = new RetryPolicy({ random });
  }

  /** @returns {boolean} whether a page of older events is being loaded */
  get isLoading() {
    return this.#isLoading;
  }

  /**
   * A room that is not shown joins without the newest events: a user may be in 1,000 rooms. They are loaded as a page of
   * history when the room is shown.
   *
   * @param {boolean} isShown
   */
  setShown(isShown) {
    this.#isShown = isShown;
    if (!isShown) this.#timeline.trim(MAX_HIDDEN_EVENTS);
  }

  /** Join from the last position: the connection is open (again). */
  async join() {
    this.#retries.reset();
    await this.#join();
  }

  async #join() {
    this.disconnected();
    const attempt = this.#attempt;
    const after = this.#timeline.position;
    const limit = this.#isShown ? PAGE_SIZE : 0;
    this.#hasReplay = limit > 0;
    try {
      await this.#connection.request({ type: "join", room: this.#room, limit, ...(after && { after }) });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      // After a lost connection, the next `welcome` joins.
      if (attempt !== this.#attempt || error.code === "lost") return;
      if (!error.retryable) {
        this.#listener.onRefused(error.message);
        return;
      }
      this.#scheduleJoin(this.#retries.delay(this.#clock.now(), { retryAfterMs: error.retryAfterMs }));
    }
  }

  /** An event is missing: join again from the last position, and not in a loop if that does not bring it. */
  #rejoin() {
    this.disconnected();
    this.#scheduleJoin(this.#retries.delay(this.#clock.now(), { isFirstImmediate: true }));
  }

  /** @param {number} ms */
  #scheduleJoin(ms) {
    this.#cancelRetry();
    if (ms === 0) this.#join();
    else this.#cancelRetry = this.#clock.schedule(ms, () => this.#join());
  }

  /** The connection is gone: apply no event before the next `joined`. */
  disconnected() {
    this.#attempt += 1;
    this.#joined = false;
    this.#cancelRetry();
    this.#wake();
  }

  /**
   * Apply a frame. Frames of other rooms are ignored.
   *
   * @param {import("../net/protocol.js").ServerFrame} frame
   */
  receive(frame) {
    if (!("room" in frame) || frame.room !== this.#room) return;
    if (frame.type === "joined") this.#start(frame);
    else if (!this.#joined) return;
    else if (isRoomEvent(frame)) this.#apply(frame);
    else if (frame.type === "head" && this.#isBehind(frame)) this.#rejoin();
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
      onPage: (page) => this.#addPage(id, before, page),
      onRefused: () => this.#timeline.markUnreachable(id),
    });
  }

  /** Load the first page of the unloaded events. May be called often. */
  async loadNewer() {
    const first = this.#timeline.firstUnloadedSeq;
    if (first === null) return;
    await this.#load({
      range: () => ({ after: first - 1 }),
      onPage: (page) => {
        const end = this.#timeline.position?.seq ?? 0;
        const last = page.more_after ? Math.min(end, page.events.at(-1)?.seq ?? 0) : end;
        const events = consecutiveEvents(page, first, last);
        // Messages before `first` are shown. If the server has none of them any more, those after `first` may be gone, too.
        if (page.more_before && this.#timeline.append(page.epoch, events)) this.#listener.onPage(events);
        else this.#timeline.showUnloadedAsGap();
      },
      onRefused: () => this.#timeline.showUnloadedAsGap(),
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
        isFound = page.events.some((event) => event.seq === seq) && this.#timeline.showPage(page.epoch, events, more);
        if (isFound) this.#listener.onPage(events);
      },
      onRefused: () => {},
    });
    return isFound;
  }

  /** @returns {boolean} whether events that `joined` announced are still to come */
  get isReplaying() {
    return (this.#timeline.position?.seq ?? 0) < this.#headSeq;
  }

  // -- Internal --

  /** @param {import("../net/protocol.js").Position} head */
  #isBehind(head) {
    const { position } = this.#timeline;
    return position === null || position.epoch !== head.epoch || position.seq < head.seq;
  }

  /**
   * Runs before the next frame is read: the replay follows `joined` directly.
   *
   * @param {import("../net/protocol.js").Joined} joined
   */
  #start(joined) {
    this.#joined = true;
    this.#cancelRetry();
    this.#retries.succeeded(this.#clock.now());
    this.#headSeq = joined.seq;
    // Where nothing is shown, a gap needs no place: the history is loaded from its end.
    if (joined.status === "fresh" || (joined.status === "gap" && !this.#hasReplay)) {
      this.#timeline.startFresh(joined, this.#hasReplay);
    } else if (joined.status === "gap") this.#timeline.startAfterGap(joined);
    this.#listener.onJoined();
    this.#listener.onChange();
  }

  /** @param {import("../net/protocol.js").RoomEvent} event */
  #apply(event) {
    const outcome = this.#timeline.apply(event);
    if (outcome === "duplicate") return;
    if (outcome === "missing_events" || outcome === "other_epoch") {
      this.#rejoin();
      return;
    }
    if (!this.#isShown) this.#timeline.trim(MAX_HIDDEN_EVENTS);
    this.#listener.onEvent(event);
    this.#listener.onChange();
  }

  /**
   * Load one page at a time. Until a replay has arrived, the view is short and its top is visible: the reader did not
   * scroll there.
   *
   * @param {PageRequest} pageRequest
   */
  async #load(pageRequest) {
    if (this.#isLoading || !this.#joined || this.isReplaying) return;
    this.#isLoading = true;
    this.#listener.onChange();
    await this.#loadPage(pageRequest);
    this.#isLoading = false;
    this.#listener.onChange();
  }

  /**
   * Request a page until it arrives, is refused, or the connection is lost, which the connection status shows.
   *
   * @param {PageRequest} pageRequest
   */
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
        if (error.code === "lost") return;
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
  #addPage(id, before, page) {
    const { epoch, more_before: hasOlder } = page;
    const events = consecutiveEvents(page, page.events.at(0)?.seq ?? before, before - 1);
    if (this.#timeline.prepend(id, epoch, events, hasOlder)) {
      this.#listener.onPage(events);
      return;
    }
    // If the segment was trimmed meanwhile, it has another start and may be loaded again.
    const segment = this.#findLoadable(id);
    if (segment === undefined || firstSeqOf(segment) !== before) return;
    this.#timeline.markUnreachable(id);
    if (segment.epoch !== epoch) this.#rejoin();
  }

  /** @param {number} id */
  #findLoadable(id) {
    return this.#timeline.segments.find(
      (segment) => segment.id === id && segment.hasOlder && firstSeqOf(segment) !== null,
    );
  }

  /**
   * Ends early when the attempt does.
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
