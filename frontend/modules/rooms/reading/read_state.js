/** What the user has read of a room: the marker, what is unread after it, and where the "new" line is. */

export class ReadState {
  unread = new Unread();
  #room;
  #listener;
  #marker;
  /** Where the "new" line is: after this seq. */
  #lineAfter = Infinity;

  /**
   * @param {import("../room.js").Room} room
   * @param {import("./read_marker.js").ReadMarker} marker
   * @param {{onChange: () => void, onUncounted: () => void}} listener onUncounted: only the server can count
   */
  constructor(room, marker, listener) {
    this.#room = room;
    this.#marker = marker;
    this.#listener = listener;
  }

  /** @returns {number} up to where the user has read */
  get seq() {
    return this.#marker.seq;
  }

  /**
   * @returns {number | null} place of the "new" line: the first message of others after the marker when the room was
   *   opened. It stays while the room is shown
   */
  get firstUnreadSeq() {
    const { items, startsAtBeginning } = this.#room.log;
    const [first] = items;
    if (first === undefined || first.kind === "gap") return null;
    if (first.seq > this.#lineAfter + 1 && !startsAtBeginning) return null;
    for (const item of items) {
      if (item.kind === "message" && item.seq > this.#lineAfter && item.user.id !== this.#room.self.id) return item.seq;
    }
    return null;
  }

  /** Keep the "new" line where the reader leaves: the room is opened, or the window is hidden. */
  placeLine() {
    this.#lineAfter = this.#marker.seq;
    this.#listener.onChange();
  }

  /** The user writes: nothing is new. */
  removeLine() {
    this.#lineAfter = Infinity;
  }

  /**
   * The user has seen the messages up to this one. May be called often.
   *
   * @param {number} seq
   */
  mark(seq) {
    if (this.#marker.advance(seq)) this.#recount();
  }

  /** @param {number} seq that the user has read in another connection */
  receive(seq) {
    if (this.#marker.receive(seq)) this.#recount();
  }

  /** @param {import("../../net/protocol.js").UnreadCount} counted by the server, which may not know the newest marker */
  setCounted(counted) {
    this.unread.set(this.seq >= this.#room.headSeq ? { unread: 0, mentions: 0 } : counted);
    this.#listener.onChange();
  }

  /** The connection is open: tell the server what it does not know. */
  save() {
    this.#marker.save();
  }

  #recount() {
    const { headSeq, self, log } = this.#room;
    if (this.seq >= headSeq) this.unread.set({ unread: 0, mentions: 0 });
    else if (!this.unread.recount(log.items, this.seq, self.id)) this.#listener.onUncounted();
    this.#listener.onChange();
  }
}

/**
 * How many messages are unread. The server counts when the page connects; from then on the page counts what arrives.
 */
class Unread {
  count = 0;
  mentions = 0;

  /** @param {Pick<import("../../net/protocol.js").UnreadCount, "unread" | "mentions">} counted by the server */
  set({ unread, mentions }) {
    this.count = unread;
    this.mentions = mentions;
  }

  /**
   * A message of someone else arrived.
   *
   * @param {boolean} isMentioned whether it mentions the user
   */
  add(isMentioned) {
    this.count += 1;
    if (isMentioned) this.mentions += 1;
  }

  /**
   * The read marker moved.
   *
   * @param {readonly import("../room_types.js").Item[]} items of the room
   * @param {number} readSeq
   * @param {string} selfId
   * @returns {boolean} false if the items do not reach back to the marker: only the server can count
   */
  recount(items, readSeq, selfId) {
    const first = items.at(0);
    if (first === undefined || first.kind === "gap" || first.seq > readSeq + 1) return false;
    const unread = items.filter(
      (item) => item.kind === "message" && item.seq > readSeq && item.user.id !== selfId && !item.deleted,
    );
    this.count = unread.length;
    this.mentions = unread.filter((item) => item.kind === "message" && isMention(item, selfId)).length;
    return true;
  }
}

/**
 * Return whether a message mentions a user.
 *
 * @param {{mentions?: readonly string[], mentionsRoom?: boolean}} message
 * @param {string} userId
 */
export function isMention({ mentions = [], mentionsRoom = false }, userId) {
  return mentionsRoom || mentions.includes(userId);
}
