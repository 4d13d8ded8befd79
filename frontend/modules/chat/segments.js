/**
 * Segments of consecutive events, oldest first: what the page holds of one room's log. Usually there is one segment. After
 * `joined` with status gap there are two, and the gap is shown between them until older pages close it. A reader who
 * scrolls back for long has two as well: the newest events are unloaded, and the last segment is only their end.
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

export class Segments {
  /** @type {Segment[]} */
  list = [];
  #nextId = 1;

  /** @returns {Position | null} the last known position */
  get position() {
    const segment = this.list.findLast(({ lastSeq }) => lastSeq !== null);
    return segment === undefined || segment.lastSeq === null ? null : { epoch: segment.epoch, seq: segment.lastSeq };
  }

  /** @returns {number} how many events are kept */
  get size() {
    return this.list.reduce((sum, segment) => sum + segment.events.length, 0);
  }

  /** @param {Pick<Segment, "epoch" | "lastSeq" | "hasOlder" | "unloaded"> & {events?: RoomEvent[]}} fields */
  add(fields) {
    this.list.push({ id: this.#nextId++, events: [], unreachable: false, endsInLoss: false, ...fields });
  }

  /**
   * Nothing older than this segment can be loaded.
   *
   * @param {number} id
   */
  markUnreachable(id) {
    const found = this.list.find((segment) => segment.id === id);
    if (found !== undefined) Object.assign(found, { hasOlder: false, unreachable: true });
  }

  /**
   * Merge a segment with the previous one if nothing is missing between them.
   *
   * @param {number} index
   */
  mergeWithPrevious(index) {
    const [previous, segment] = [this.list[index - 1], this.list[index]];
    if (previous === undefined || previous.lastSeq === null || previous.epoch !== segment.epoch) return;
    if (previous.endsInLoss) return;
    const firstSeq = firstSeqOf(segment);
    if (firstSeq === null || previous.lastSeq + 1 < firstSeq) return;
    segment.events = [...previous.events.filter(({ seq }) => seq < firstSeq), ...segment.events];
    Object.assign(segment, { hasOlder: previous.hasOlder, unreachable: previous.unreachable });
    this.list.splice(index - 1, 1);
  }

  /**
   * Keep the newest events only. Older ones are loaded again when the reader scrolls to them.
   *
   * @param {number} limit
   */
  trim(limit) {
    let excess = this.size - limit;
    while (excess > 0) {
      const [segment] = this.list;
      excess -= segment.events.splice(0, excess).length;
      segment.hasOlder = !segment.unreachable;
      if (segment.events.length > 0) continue;
      this.list.shift();
      const next = this.list.at(0);
      if (segment.endsInLoss && next !== undefined) next.hasOlder = !next.unreachable;
    }
  }

  /**
   * Remove the newest events, far below what is being read, and keep the position.
   *
   * @param {number} count
   */
  unloadNewest(count) {
    const { position } = this;
    // Behind a loss, the seqs of the lost events were assigned again: unloaded events could not be asked for by seq.
    if (position === null || this.list.some(({ endsInLoss }) => endsInLoss)) return;
    let excess = count;
    while (excess > 0) {
      const segment = this.list[this.list.length - 1];
      excess -= segment.events.splice(-excess).length;
      if (segment.events.length === 0) this.list.pop();
      else segment.lastSeq = segment.events[segment.events.length - 1].seq;
    }
    this.add({ epoch: position.epoch, lastSeq: position.seq, hasOlder: true, unloaded: true });
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
 * @param {RoomEvent} event
 */
export function isIn({ events }, { epoch, seq }) {
  return events.length > 0 && events[seq - events[0].seq]?.epoch === epoch;
}
