/**
 * The log of one room as a conversation view needs it: the items that are shown, and the pages that can be loaded around
 * them. Arrays and items are replaced, never changed in place.
 *
 * @typedef {import("./room_types.js").Item} Item
 */

import { reduceMessages } from "../chat/message_reducer.js";
import { RoomSubscription } from "../chat/room_subscription.js";
import { Timeline } from "../chat/timeline.js";

/** Events that are kept while the reader is at the newest one. */
const MAX_EVENTS_AT_BOTTOM = 1_000;
/** A page that was away for longer begins with the newest messages: all that was missed may be very much. */
const MAX_CAUGHT_UP = 500;

export class RoomLog {
  #timeline = new Timeline();
  #subscription;
  #onChange;
  /** @type {readonly Item[] | null} */
  #items = null;

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {Pick<import("../tabs/shared_connection.js").SharedConnection, "request">} options.connection
   * @param {import("../clock.js").Clock} options.clock
   * @param {import("../chat/room_subscription.js").RoomListener} options.listener
   */
  constructor({ room, connection, clock, listener }) {
    this.#onChange = listener.onChange;
    const onChange = () => this.#changed();
    this.#subscription = new RoomSubscription({
      room,
      connection,
      clock,
      timeline: this.#timeline,
      listener: { ...listener, onChange },
    });
    this.#subscription.setShown(false);
  }

  // -- State --

  /** @returns {readonly Item[]} oldest first */
  get items() {
    this.#items ??= reduceMessages(this.#timeline.segments);
    return this.#items;
  }

  /** @returns {number | null} of the newest message or notice; null: it is not loaded */
  get newestSeq() {
    const isItem = (/** @type {import("../net/protocol.js").RoomEvent} */ { type }) =>
      type === "message" || type === "notice";
    return this.#timeline.segments.at(-1)?.events.findLast(isItem)?.seq ?? null;
  }

  /** @returns {import("../net/protocol.js").Position | null} of the newest event */
  get position() {
    return this.#timeline.position;
  }

  /** @returns {boolean} whether events that the server announced are still to come: nothing is new, nothing is spoken */
  get isReplaying() {
    return this.#timeline.isReplaying;
  }

  /** @returns {boolean} whether a page of history is being loaded */
  get isLoading() {
    return this.#subscription.history.isLoading;
  }

  /** @returns {boolean} whether there are messages before the first item */
  get hasOlder() {
    return this.#timeline.segments.at(0)?.hasOlder ?? false;
  }

  /** @returns {boolean} whether the first item is the first one of the room */
  get startsAtBeginning() {
    return this.#timeline.startsAtBeginning;
  }

  /** @returns {boolean} whether the newest messages are not loaded: `loadNewer` continues, `attach` jumps */
  get isDetached() {
    return this.#timeline.pages.isDetached;
  }

  /**
   * Return whether a message was in the log before the last connect: it is not announced to a screen reader.
   *
   * @param {number} seq
   */
  isReplayed(seq) {
    const epoch = this.position?.epoch ?? "";
    return this.#timeline.isReplayed({ epoch, seq });
  }

  /**
   * Return whether the event at a position was seen, or skipped by a gap.
   *
   * @param {import("../net/protocol.js").Position} position
   */
  isPast(position) {
    return this.#timeline.isPast(position);
  }

  /**
   * @param {number} seq
   * @returns {import("../chat/message_reducer.js").Message | null} the loaded message with this seq
   */
  find(seq) {
    for (const item of this.items) if (item.kind === "message" && item.seq === seq) return item;
    return null;
  }

  // -- Pages --

  /** Load the page before the first item. May be called with every frame. */
  async loadOlder() {
    const segment = this.#timeline.segments.at(0);
    if (segment !== undefined) await this.#subscription.history.loadOlder(segment.id);
  }

  /** Load the page after the last item of a detached room. May be called with every frame. */
  loadNewer() {
    this.#subscription.history.loadNewer();
  }

  /**
   * Load the newest page of what is missing.
   *
   * @param {import("../chat/message_reducer.js").Gap} gap
   */
  loadGap(gap) {
    if (gap.isUnloaded) this.#subscription.history.loadNewer();
    else this.#subscription.history.loadOlder(gap.segment);
  }

  /**
   * Show the messages around a seq.
   *
   * @param {number} seq
   * @returns {Promise<boolean>} false: it is not there
   */
  async loadAround(seq) {
    if (this.find(seq) !== null) return true;
    return this.#subscription.history.loadAround(seq);
  }

  /** Return to the newest messages. */
  attach() {
    this.#timeline.pages.attach();
    this.#changed();
  }

  /** Forget old items while the reader is at the bottom. May be called with every frame. */
  trim() {
    if (this.#timeline.size <= MAX_EVENTS_AT_BOTTOM) return;
    this.#timeline.trim(MAX_EVENTS_AT_BOTTOM);
    this.#items = null;
  }

  // -- Called by the room --

  /** @returns {import("../chat/segments.js").Segment | null} the newest events, for the next page; null: not loaded */
  get newest() {
    return this.#timeline.newest;
  }

  /**
   * Show what an earlier page has loaded, until the room is joined.
   *
   * @param {{epoch: string, events: import("../net/protocol.js").RoomEvent[], hasOlder: boolean}} stored
   */
  restore(stored) {
    if (this.#timeline.segments.length > 0 || stored.events.length === 0) return;
    this.#timeline.restore(stored);
    this.#changed();
  }

  /** @param {import("../net/protocol.js").Position} head of the room, before it is joined */
  expectHead({ epoch, seq }) {
    const { position } = this;
    if (this.#subscription.hasJoined || position === null) return;
    if (epoch !== position.epoch || seq - position.seq <= MAX_CAUGHT_UP) return;
    this.#timeline.clear();
    this.#changed();
  }

  /** @param {boolean} isShown */
  setShown(isShown) {
    this.#subscription.setShown(isShown);
  }

  /** The connection is open: join from the last position. */
  join() {
    return this.#subscription.join();
  }

  disconnected() {
    this.#subscription.disconnected();
  }

  /** @param {import("../net/protocol.js").ServerFrame} frame */
  receive(frame) {
    this.#subscription.receive(frame);
  }

  // -- Internal --

  #changed() {
    this.#items = null;
    this.#onChange();
  }
}
