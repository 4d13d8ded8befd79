/**
 * Pages of history in a timeline: added in front of a segment, behind what is loaded, or shown instead of it. A reader who
 * scrolls back for long detaches the timeline from the newest events, which are unloaded.
 *
 * @typedef {import("../net/protocol.js").RoomEvent} RoomEvent
 */

import { firstSeqOf, isIn } from "./segments.js";

/** Limits what is loaded by scrolling: each page takes longer to lay out than the one before. */
const MAX_SCROLLED_EVENTS = 2_000;
/** What is kept when the newest events are unloaded, so that it does not happen at each page. */
const KEPT_EVENTS = 1_500;

export class TimelinePages {
  #segments;

  /** @param {import("./segments.js").Segments} segments */
  constructor(segments) {
    this.#segments = segments;
  }

  /** @returns {boolean} whether the newest events are unloaded */
  get isDetached() {
    return this.#segments.list.at(-1)?.unloaded ?? false;
  }

  /** @returns {number | null} seq of the first event that is unloaded */
  get firstUnloadedSeq() {
    const lastSeq = this.#segments.list.at(-2)?.lastSeq;
    return this.isDetached && lastSeq !== null && lastSeq !== undefined ? lastSeq + 1 : null;
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
    const index = this.#segments.list.findIndex((segment) => segment.id === id);
    const segment = this.#segments.list[index];
    if (segment === undefined || segment.epoch !== epoch) return false;
    const firstSeq = firstSeqOf(segment);
    if (firstSeq === null) return false;
    const older = events.filter(({ seq }) => seq < firstSeq);
    const newest = older.at(-1);
    if (newest !== undefined && newest.seq !== firstSeq - 1) return false;
    segment.events = [...older, ...segment.events];
    segment.hasOlder = hasOlder && older.length > 0;
    // After a loss of the store, the page has messages that were shown before: both segments are one log.
    const previous = this.#segments.list[index - 1];
    if (previous !== undefined && older.some((event) => isIn(previous, event))) {
      Object.assign(previous, { epoch, unreachable: false, hasOlder: previous.events[0].seq > 1 });
    }
    this.#segments.mergeWithPrevious(index);
    if (this.#segments.size > MAX_SCROLLED_EVENTS) this.#segments.unloadNewest(this.#segments.size - KEPT_EVENTS);
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
    const { list } = this.#segments;
    const [segment, end] = [list.at(-2), list.at(-1)];
    const newer = events.filter(({ seq }) => firstSeq !== null && seq >= firstSeq);
    if (segment === undefined || end === undefined || newer.at(0)?.seq !== firstSeq || segment.epoch !== epoch) {
      return false;
    }
    segment.events = [...segment.events, ...newer];
    segment.lastSeq = newer[newer.length - 1].seq;
    if (segment.lastSeq >= (end.lastSeq ?? 0)) list.pop();
    this.#segments.trim(MAX_SCROLLED_EVENTS);
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
  replaceAll(epoch, events, { hasOlder, hasNewer }) {
    const { position } = this.#segments;
    const newest = events.at(-1);
    if (position === null || newest === undefined || position.epoch !== epoch) return false;
    const isDetached = hasNewer && newest.seq < position.seq;
    this.#segments.list = [];
    this.#segments.add({ epoch, lastSeq: newest.seq, hasOlder, unloaded: false, events });
    if (isDetached) this.#segments.add({ epoch, lastSeq: position.seq, hasOlder: true, unloaded: true });
    return true;
  }

  /** Discard what is loaded, so that the page before the newest position is loaded next. */
  attach() {
    const end = this.#segments.list.at(-1);
    if (end === undefined || !this.isDetached) return;
    end.unloaded = false;
    this.#segments.list = [end];
  }

  /** The unloaded events cannot be loaded in order: show a gap instead, which can be loaded from its other side. */
  showUnloadedAsGap() {
    for (const segment of this.#segments.list) segment.unloaded = false;
  }
}
