/**
 * What the page knows of one room's log: segments of consecutive events (`segments.js`), to which `joined` and live events
 * are applied here, and pages of history by `pages` (`timeline_pages.js`).
 *
 * Pure state: no DOM, no socket. The events themselves are kept, up to a limit, and message_reducer.js makes the
 * messages from them, so that an edit applies even if its message is loaded later.
 *
 * @typedef {import("../net/protocol.js").Position} Position
 * @typedef {import("../net/protocol.js").RoomEvent} RoomEvent
 * @typedef {import("./segments.js").Segment} Segment
 */

import { isIn, Segments } from "./segments.js";
import { TimelinePages } from "./timeline_pages.js";

/** Limits the live events. Also in a hidden tab, which gets events but no frames to draw. */
const MAX_EVENTS = 5_000;

export class Timeline {
  #segments = new Segments();
  /** The newest seq that the server had at `joined`. */
  #headSeq = 0;
  pages = new TimelinePages(this.#segments);

  // -- State --

  /** @returns {Position | null} the last known position; `join` sends it as `after` */
  get position() {
    return this.#segments.position;
  }

  /** @returns {readonly Segment[]} */
  get segments() {
    return this.#segments.list;
  }

  /** @returns {number} how many events are kept */
  get size() {
    return this.#segments.size;
  }

  /** @returns {boolean} whether the oldest event here is the first one of the conversation */
  get startsAtBeginning() {
    const segment = this.segments.at(0);
    return segment !== undefined && !segment.hasOlder && !segment.unreachable;
  }

  /**
   * Return whether the event at a position was seen, or skipped by a gap.
   *
   * @param {Position} position
   * @returns {boolean}
   */
  isPast({ epoch, seq }) {
    const { position } = this;
    return position !== null && (position.epoch !== epoch || position.seq >= seq);
  }

  /**
   * Return whether an event was already in the log at the last `joined`.
   *
   * @param {Position} event
   * @returns {boolean}
   */
  isReplayed({ epoch, seq }) {
    return epoch !== this.segments.at(-1)?.epoch || seq <= this.#headSeq;
  }

  /** @returns {boolean} whether events that `joined` announced are still to come */
  get isReplaying() {
    const segment = this.segments.at(-1);
    return segment !== undefined && (segment.lastSeq ?? 0) < this.#headSeq;
  }

  /** @returns {Segment | null} with the newest events; null if they are not here */
  get newest() {
    const segment = this.segments.at(-1);
    return segment === undefined || segment.unloaded || segment.lastSeq === null ? null : segment;
  }

  // -- Changes --

  /**
   * Begin with events that an earlier page has loaded: the next join continues after them.
   *
   * @param {{epoch: string, events: RoomEvent[], hasOlder: boolean}} stored at least one event
   */
  restore({ epoch, events, hasOlder }) {
    this.#segments.list = [];
    this.#segments.add({ epoch, lastSeq: events[events.length - 1].seq, hasOlder, unloaded: false, events });
  }

  /** Discard what is here. */
  clear() {
    this.#segments.list = [];
  }

  /**
   * `joined` with status recovered, after `restore`: what follows up to its head is a replay.
   *
   * @param {Pick<import("../net/protocol.js").Joined, "seq">} joined
   */
  continueRestored({ seq }) {
    this.#headSeq = seq;
  }

  /**
   * `joined` with status fresh: discard what is here.
   *
   * @param {Pick<import("../net/protocol.js").Joined, "epoch" | "seq" | "oldest">} joined
   * @param {boolean} [hasReplay] whether the newest events follow; without them, the first page of history is loaded
   */
  startFresh(joined, hasReplay = true) {
    this.#segments.list = [];
    this.#startSegment(joined, hasReplay);
  }

  /**
   * `joined` with status gap: keep what is here, and leave a visible gap.
   *
   * @param {Pick<import("../net/protocol.js").Joined, "epoch" | "seq" | "oldest">} joined
   */
  startAfterGap(joined) {
    this.#segments.list = this.#segments.list.filter(({ events }) => events.length > 0);
    // `history` asks by seq, which cannot name an event of an earlier epoch.
    for (const { id, epoch } of this.segments) if (epoch !== joined.epoch) this.markUnreachable(id);
    this.#startSegment(joined);
  }

  /**
   * Add a live or replayed event. A replayed event carries the epoch in which it was written, which is an earlier one
   * after a restore or a failover that lost events. A live event carries the epoch of the room.
   *
   * @param {RoomEvent} event
   * @returns {"applied" | "known" | "duplicate" | "missing_events" | "other_epoch"} known: shown before the gap, and
   *   still in the log. The last two changed nothing: the caller has to join again from `position`
   */
  apply(event) {
    const segment = this.segments.at(-1);
    if (segment === undefined) return "other_epoch";
    const { lastSeq } = segment;
    if (isIn(segment, event)) return "duplicate";
    const isExpected = event.seq <= this.#headSeq && (lastSeq === null || event.seq > lastSeq);
    if (event.epoch !== segment.epoch && !isExpected) return "other_epoch";
    if (lastSeq !== null && event.seq <= lastSeq) return "duplicate";
    if (lastSeq !== null && event.seq !== lastSeq + 1) return "missing_events";
    // What the log does not have any more is in the archive.
    if (lastSeq === null) segment.hasOlder = event.seq > 1;
    segment.lastSeq = event.seq;
    if (segment.unloaded) return "applied"; // it is loaded with those before it
    if (this.#continueKnown(event)) return "known";
    segment.events.push(event);
    this.#segments.mergeWithPrevious(this.segments.length - 1);
    this.trim(MAX_EVENTS);
    return "applied";
  }

  /**
   * Nothing older than this segment can be loaded.
   *
   * @param {number} id
   */
  markUnreachable(id) {
    this.#segments.markUnreachable(id);
  }

  /**
   * Keep the newest events only. Older ones are loaded again when the reader scrolls to them.
   *
   * @param {number} limit
   */
  trim(limit) {
    this.#segments.trim(limit);
  }

  // -- Internal --

  /**
   * @param {Pick<import("../net/protocol.js").Joined, "epoch" | "seq" | "oldest">} joined
   * @param {boolean} [hasReplay]
   */
  #startSegment({ epoch, seq, oldest }, hasReplay = true) {
    this.#headSeq = seq;
    // Without a replay there is a position, too: the next event follows it. After a loss of the store, or in a room in
    // which nothing was written for long, the log is empty, and the archive has what is older.
    const isReplayed = hasReplay && oldest <= seq;
    const lastSeq = isReplayed ? null : seq;
    this.#segments.add({ epoch, lastSeq, hasOlder: !isReplayed && seq > 0, unloaded: false });
  }

  /**
   * After a restore, the replay may repeat events that the page showed before the gap. They stay where they are, their
   * segment belongs to the log's new epoch, and the gap begins after it.
   *
   * @param {RoomEvent} event next event of the last segment
   * @returns {boolean} whether an earlier segment has the event
   */
  #continueKnown(event) {
    const { segments } = this;
    const index = segments.findLastIndex((other, at) => at < segments.length - 1 && isIn(other, event));
    if (index < 0) return false;
    const [known, segment] = [segments[index], segments[segments.length - 1]];
    const isFirst = known.events[0].seq === event.seq;
    if (segment.events.length > 0 && !isFirst) return false;
    if (known.epoch !== segment.epoch) {
      Object.assign(known, { epoch: segment.epoch, endsInLoss: true });
      // The replay began before the first event here.
      if (isFirst) known.events = [...segment.events, ...known.events];
      known.hasOlder = isFirst ? segment.hasOlder : known.events[0].seq > 1;
      known.unreachable = false;
      segment.events = [];
      segment.hasOlder = false;
    }
    return true;
  }
}
