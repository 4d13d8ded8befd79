/**
 * What the page knows of one room's log: segments of consecutive events, oldest first. Usually there is one segment.
 * After `joined` with status gap there are two, and the gap is shown between them until older pages close it. A reader
 * who scrolls back for long has two as well: the newest events are unloaded, and the last segment is only their end.
 *
 * Pure state: no DOM, no socket. The events themselves are kept, up to a limit, and message_reducer.js makes the
 * messages from them, so that an edit applies even if its message is loaded later.
 *
 * @typedef {import("../net/protocol.js").Position} Position
 * @typedef {import("../net/protocol.js").RoomEvent} RoomEvent
 *
 * @typedef {object} Segment
 * @property {number} id stays the same while older pages are added
 * @property {string} epoch of the room's log; its events may have been written in earlier epochs
 * @property {number | null} lastSeq seq of the newest event; null until the first one arrived
 * @property {RoomEvent[]} events consecutive
 * @property {boolean} hasOlder whether the server has older events of this epoch
 * @property {boolean} unreachable whether older events cannot be loaded from here, even if the server has them
 * @property {boolean} unloaded whether its events were here, and are loaded again when the reader scrolls to them
 * @property {boolean} endsInLoss whether the events after it are lost: it never merges with the next segment
 */

/** Limits the live events. Also in a hidden tab, which gets events but no frames to draw. */
const MAX_EVENTS = 5_000;
/** Limits what is loaded by scrolling: each page takes longer to lay out than the one before. */
const MAX_SCROLLED_EVENTS = 2_000;
/** What is kept when the newest events are unloaded, so that it does not happen at each page. */
const KEPT_EVENTS = 1_500;

export class Timeline {
  /** @type {Segment[]} */
  #segments = [];
  /** The oldest seq that the server had at `joined`. */
  #oldestSeq = 1;
  /** The newest seq that the server had at `joined`. */
  #headSeq = 0;
  #nextId = 1;

  // -- State --

  /** @returns {Position | null} the last known position; `join` sends it as `after` */
  get position() {
    const segment = this.#segments.findLast(({ lastSeq }) => lastSeq !== null);
    return segment === undefined ? null : positionOf(segment);
  }

  /** @returns {readonly Segment[]} */
  get segments() {
    return this.#segments;
  }

  /** @returns {number} how many events are kept */
  get size() {
    return this.#segments.reduce((sum, segment) => sum + segment.events.length, 0);
  }

  /** @returns {boolean} whether the newest events are unloaded */
  get isDetached() {
    return this.#segments.at(-1)?.unloaded ?? false;
  }

  /** @returns {number | null} seq of the first event that is unloaded */
  get firstUnloadedSeq() {
    const lastSeq = this.#segments.at(-2)?.lastSeq;
    return this.isDetached && lastSeq !== null && lastSeq !== undefined ? lastSeq + 1 : null;
  }

  /** @returns {boolean} whether the oldest event here is the first one of the conversation */
  get startsAtBeginning() {
    const segment = this.#segments.at(0);
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
    return epoch !== this.#segments.at(-1)?.epoch || seq <= this.#headSeq;
  }

  /** @returns {boolean} whether events that `joined` announced are still to come */
  get isReplaying() {
    const segment = this.#segments.at(-1);
    return segment !== undefined && (segment.lastSeq ?? 0) < this.#headSeq;
  }

  // -- Changes --

  /**
   * `joined` with status fresh: discard what is here.
   *
   * @param {Pick<import("../net/protocol.js").Joined, "epoch" | "seq" | "oldest">} joined
   * @param {boolean} [hasReplay] whether the newest events follow; without them, the first page of history is loaded
   */
  startFresh(joined, hasReplay = true) {
    this.#segments = [];
    this.#startSegment(joined, hasReplay);
  }

  /**
   * `joined` with status gap: keep what is here, and leave a visible gap.
   *
   * @param {Pick<import("../net/protocol.js").Joined, "epoch" | "seq" | "oldest">} joined
   */
  startAfterGap(joined) {
    this.#segments = this.#segments.filter(({ events }) => events.length > 0);
    // `history` asks by seq, which cannot name an event of an earlier epoch.
    for (const { id, epoch } of this.#segments) if (epoch !== joined.epoch) this.markUnreachable(id);
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
    const segment = this.#segments.at(-1);
    if (segment === undefined) return "other_epoch";
    const { lastSeq } = segment;
    if (isIn(segment, event)) return "duplicate";
    const isExpected = event.seq <= this.#headSeq && (lastSeq === null || event.seq > lastSeq);
    if (event.epoch !== segment.epoch && !isExpected) return "other_epoch";
    if (lastSeq !== null && event.seq <= lastSeq) return "duplicate";
    if (lastSeq !== null && event.seq !== lastSeq + 1) return "missing_events";
    if (lastSeq === null) segment.hasOlder = event.seq > this.#oldestSeq;
    segment.lastSeq = event.seq;
    if (segment.unloaded) return "applied"; // it is loaded with those before it
    if (this.#continueKnown(event)) return "known";
    segment.events.push(event);
    this.#mergeWithPrevious(this.#segments.length - 1);
    this.trim(MAX_EVENTS);
    return "applied";
  }

  /**
   * Add a page of history in front of a segment.
   *
   * @param {number} id of the segment
   * @param {string} epoch
   * @param {RoomEvent[]} events oldest first
   * @param {boolean} hasOlder
   * @returns {boolean} false if the page does not end where the segment begins
   */
  prepend(id, epoch, events, hasOlder) {
    const index = this.#segments.findIndex((segment) => segment.id === id);
    const segment = this.#segments[index];
    if (segment === undefined || segment.epoch !== epoch) return false;
    const firstSeq = firstSeqOf(segment);
    if (firstSeq === null) return false;
    const older = events.filter(({ seq }) => seq < firstSeq);
    const newest = older.at(-1);
    if (newest !== undefined && newest.seq !== firstSeq - 1) return false;
    segment.events = [...older, ...segment.events];
    segment.hasOlder = hasOlder && older.length > 0;
    this.#mergeWithPrevious(index);
    if (this.size > MAX_SCROLLED_EVENTS) this.#unloadNewest(this.size - KEPT_EVENTS);
    return true;
  }

  /**
   * Add a page of unloaded events behind the loaded ones.
   *
   * @param {string} epoch
   * @param {RoomEvent[]} events oldest first
   * @returns {boolean} false if the page does not begin where the unloaded events begin
   */
  append(epoch, events) {
    const firstSeq = this.firstUnloadedSeq;
    const segment = this.#segments.at(-2);
    const end = this.#segments.at(-1);
    const newer = events.filter(({ seq }) => firstSeq !== null && seq >= firstSeq);
    if (segment === undefined || end === undefined || newer.at(0)?.seq !== firstSeq || segment.epoch !== epoch) {
      return false;
    }
    segment.events = [...segment.events, ...newer];
    segment.lastSeq = newer[newer.length - 1].seq;
    if (segment.lastSeq >= (end.lastSeq ?? 0)) this.#segments.pop();
    this.trim(MAX_SCROLLED_EVENTS);
    return true;
  }

  /**
   * Show a page around an event instead of what is loaded. The newest position is kept.
   *
   * @param {string} epoch
   * @param {RoomEvent[]} events oldest first
   * @param {{hasOlder: boolean, hasNewer: boolean}} more
   * @returns {boolean} false if the page belongs to another numbering
   */
  showPage(epoch, events, { hasOlder, hasNewer }) {
    const { position } = this;
    const newest = events.at(-1);
    if (position === null || newest === undefined || position.epoch !== epoch) return false;
    const isDetached = hasNewer && newest.seq < position.seq;
    this.#segments = [];
    this.#addSegment({ epoch, lastSeq: newest.seq, hasOlder, unloaded: false });
    this.#segments[0].events = events;
    if (isDetached) this.#addSegment({ epoch, lastSeq: position.seq, hasOlder: true, unloaded: true });
    return true;
  }

  /** Discard what is loaded, so that the page before the newest position is loaded next. */
  attach() {
    const end = this.#segments.at(-1);
    if (end === undefined || !this.isDetached) return;
    end.unloaded = false;
    this.#segments = [end];
  }

  /** The unloaded events cannot be loaded in order: show a gap instead, which can be loaded from its other side. */
  showUnloadedAsGap() {
    for (const segment of this.#segments) segment.unloaded = false;
  }

  /**
   * Nothing older than this segment can be loaded.
   *
   * @param {number} id
   */
  markUnreachable(id) {
    const found = this.#segments.find((segment) => segment.id === id);
    if (found !== undefined) Object.assign(found, { hasOlder: false, unreachable: true });
  }

  /**
   * Keep the newest events only. Older ones are loaded again when the reader scrolls to them.
   *
   * @param {number} limit
   */
  trim(limit) {
    let excess = this.size - limit;
    while (excess > 0) {
      const [segment] = this.#segments;
      excess -= segment.events.splice(0, excess).length;
      segment.hasOlder = !segment.unreachable;
      if (segment.events.length > 0) continue;
      this.#segments.shift();
      const next = this.#segments.at(0);
      if (segment.endsInLoss && next !== undefined) next.hasOlder = !next.unreachable;
    }
  }

  // -- Internal --

  /**
   * @param {Pick<import("../net/protocol.js").Joined, "epoch" | "seq" | "oldest">} joined
   * @param {boolean} [hasReplay]
   */
  #startSegment({ epoch, seq, oldest }, hasReplay = true) {
    this.#oldestSeq = oldest;
    this.#headSeq = seq;
    // An empty room has a position too: the next event is its first one.
    const isEmpty = seq === 0 || oldest > seq;
    const lastSeq = isEmpty || !hasReplay ? seq : null;
    this.#addSegment({ epoch, lastSeq, hasOlder: !isEmpty && !hasReplay, unloaded: false });
  }

  /** @param {Pick<Segment, "epoch" | "lastSeq" | "hasOlder" | "unloaded">} fields */
  #addSegment(fields) {
    this.#segments.push({ id: this.#nextId++, events: [], unreachable: false, endsInLoss: false, ...fields });
  }

  /**
   * Remove the newest events, far below what is being read, and keep the position.
   *
   * @param {number} count
   */
  #unloadNewest(count) {
    const { position } = this;
    // Behind a loss, the seqs of the lost events were assigned again: unloaded events could not be asked for by seq.
    if (position === null || this.#segments.some(({ endsInLoss }) => endsInLoss)) return;
    let excess = count;
    while (excess > 0) {
      const segment = this.#segments[this.#segments.length - 1];
      excess -= segment.events.splice(-excess).length;
      if (segment.events.length === 0) this.#segments.pop();
      else segment.lastSeq = segment.events[segment.events.length - 1].seq;
    }
    this.#addSegment({ epoch: position.epoch, lastSeq: position.seq, hasOlder: true, unloaded: true });
  }

  /**
   * After a restore, the replay may repeat events that the page showed before the gap. They stay where they are, their
   * segment belongs to the log's new epoch, and the gap begins after it.
   *
   * @param {RoomEvent} event next event of the last segment
   * @returns {boolean} whether an earlier segment has the event
   */
  #continueKnown(event) {
    const index = this.#segments.findLastIndex((other, at) => at < this.#segments.length - 1 && isIn(other, event));
    if (index < 0) return false;
    const [known, segment] = [this.#segments[index], this.#segments[this.#segments.length - 1]];
    const isFirst = known.events[0].seq === event.seq;
    if (segment.events.length > 0 && !isFirst) return false;
    if (known.epoch !== segment.epoch) {
      Object.assign(known, { epoch: segment.epoch, endsInLoss: true });
      // The replay began before the first event here.
      if (isFirst) known.events = [...segment.events, ...known.events];
      known.hasOlder = isFirst ? segment.hasOlder : known.events[0].seq > this.#oldestSeq;
      known.unreachable = false;
      segment.events = [];
      segment.hasOlder = false;
    }
    return true;
  }

  /**
   * Merge a segment with the previous one if nothing is missing between them.
   *
   * @param {number} index
   */
  #mergeWithPrevious(index) {
    const [previous, segment] = [this.#segments[index - 1], this.#segments[index]];
    if (previous === undefined || previous.lastSeq === null || previous.epoch !== segment.epoch) return;
    if (previous.endsInLoss) return;
    const firstSeq = firstSeqOf(segment);
    if (firstSeq === null || previous.lastSeq + 1 < firstSeq) return;
    segment.events = [...previous.events.filter(({ seq }) => seq < firstSeq), ...segment.events];
    Object.assign(segment, { hasOlder: previous.hasOlder, unreachable: previous.unreachable });
    this.#segments.splice(index - 1, 1);
  }
}

/**
 * Return the seq before which older events are loaded.
 *
 * @param {Segment} segment
 * @returns {number | null} null while the segment waits for its first event
 */
export function firstSeqOf({ events, lastSeq }) {
  if (events.length > 0) return events[0].seq;
  return lastSeq === null ? null : lastSeq + 1;
}

/**
 * @param {Segment} segment
 * @returns {Position | null}
 */
function positionOf({ epoch, lastSeq }) {
  return lastSeq === null ? null : { epoch, seq: lastSeq };
}

/**
 * @param {Segment} segment
 * @param {RoomEvent} event
 */
function isIn({ events }, { epoch, seq }) {
  return events.length > 0 && events[seq - events[0].seq]?.epoch === epoch;
}
