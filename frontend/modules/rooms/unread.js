/**
 * How many messages of a room are unread. The server counts when the page connects; from then on the page counts what
 * arrives.
 *
 * @typedef {import("./room_types.js").Item} Item
 */

export class Unread {
  count = 0;
  mentions = 0;

  /** @param {Pick<import("../net/protocol.js").UnreadCount, "unread" | "mentions">} counted by the server */
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
   * @param {readonly Item[]} items of the room
   * @param {{readSeq: number, headSeq: number, selfId: string}} place
   * @returns {boolean} false if the items do not reach back to the marker: only the server can count
   */
  recount(items, { readSeq, headSeq, selfId }) {
    const first = items.at(0);
    if (readSeq < headSeq && (first === undefined || first.kind === "gap" || first.seq > readSeq + 1)) return false;
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
