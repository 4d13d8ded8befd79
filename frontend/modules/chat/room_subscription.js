/**
 * One room, followed without missing an event: joins from the last position, adds the events to the timeline in order,
 * and joins again whenever an event turns out to be missing.
 *
 * @typedef {object} RoomListener
 * @property {() => void} onChange the timeline or `history.isLoading` changed
 * @property {() => void} onJoined
 * @property {(reason: string) => void} onRefused the room cannot be joined
 * @property {(event: import("../net/protocol.js").RoomEvent) => void} onEvent
 * @property {(events: import("../net/protocol.js").RoomEvent[]) => void} onPage a page of history was loaded
 */

import { CommandError } from "../net/socket/pending_requests.js";
import { isRoomEvent } from "../net/protocol.js";
import { RetryPolicy } from "../net/retry_policy.js";
import { HistoryLoader } from "./history_loader.js";

/** How many of the newest events a join asks for. */
const REPLAY_SIZE = 50;
/** What is kept of a room that is not shown. */
const MAX_HIDDEN_EVENTS = 100;

export class RoomSubscription {
  /** Loads older events while the room is joined. */
  history;
  #room;
  #timeline;
  #connection;
  #clock;
  #listener;
  /** Whether events are applied. Events between `join` and `joined` may belong to either side of a gap. */
  #joined = false;
  /** Counts attempts to join: replies to earlier ones are stale. */
  #attempt = 0;
  /** Of joins. The reason for each may be permanent, for example events that the page does not understand. */
  #retries;
  #cancelRetry = () => {};
  #isShown = true;
  /** Whether the room was joined by this page: before, the timeline has what an earlier page has loaded. */
  hasJoined = false;
  /** Whether the join that is being answered asked for the newest events. */
  #hasReplay = true;

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {import("./timeline.js").Timeline} options.timeline
   * @param {Pick<import("../tabs/shared_connection.js").SharedConnection, "request">} options.connection
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
    this.#retries = new RetryPolicy({ random });
    const { onChange, onPage } = listener;
    const pageListener = { onChange, onPage, onOtherEpoch: () => this.#rejoin() };
    this.history = new HistoryLoader({ room, timeline, connection, clock, random, listener: pageListener });
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

  /** The connection is gone: apply no event before the next `joined`. */
  disconnected() {
    this.#attempt += 1;
    this.#joined = false;
    this.#cancelRetry();
    this.history.stop();
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

  // -- Internal --

  async #join() {
    this.disconnected();
    const attempt = this.#attempt;
    const after = this.#timeline.position;
    const limit = this.#isShown ? REPLAY_SIZE : 0;
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
    // Where nothing is shown, a gap needs no place: the history is loaded from its end.
    if (joined.status === "fresh" || (joined.status === "gap" && !this.#hasReplay)) {
      this.#timeline.startFresh(joined, this.#hasReplay);
    } else if (joined.status === "gap") this.#timeline.startAfterGap(joined);
    // After a short loss of the connection, what was missed counts as new, and is notified.
    else if (!this.hasJoined) this.#timeline.continueRestored(joined);
    this.hasJoined = true;
    this.history.start(joined.seq);
    // After a loss of the store nothing is replayed, and the archive has the messages.
    const newest = this.#timeline.newest;
    const isReplayEmpty = this.#hasReplay && joined.status === "gap" && newest?.events.length === 0;
    if (isReplayEmpty) this.history.loadOlder(newest.id);
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
}
