/**
 * From the events of the log to the messages that are shown: edits, deletions and reactions are events of the same log,
 * and a message is the result of all events about it. Pure functions.
 *
 * @typedef {object} Message
 * @property {"message"} kind
 * @property {string} key
 * @property {number} version changes whenever the message looks different
 * @property {string} epoch
 * @property {number} seq
 * @property {import("../net/protocol.js").Author} user
 * @property {string} text empty once deleted
 * @property {string} at
 * @property {boolean} edited
 * @property {boolean} deleted
 * @property {{emoji: string, count: number}[]} reactions
 *
 * @typedef {object} Gap events that the page does not have
 * @property {"gap"} kind
 * @property {string} key
 * @property {number} version
 * @property {number} segment id of the segment after the gap
 * @property {boolean} canLoad whether the server has the missing events
 * @property {boolean} isUnloaded whether the events were here, and are loaded again when the reader scrolls to them
 *
 * @typedef {Omit<Message, "reactions"> & {reactions: Map<string, Set<string>>}} MessageDraft emoji → ids of the users
 */

/**
 * Return the messages of the segments, with the gaps between them.
 *
 * @param {readonly import("./timeline.js").Segment[]} segments
 * @returns {(Message | Gap)[]} oldest first
 */
export function reduceMessages(segments) {
  /** @type {(MessageDraft | Gap)[]} */
  const items = [];
  /** @type {Map<string, MessageDraft>} */
  const messages = new Map();
  for (const [index, segment] of segments.entries()) {
    // Until the first event of a replay arrives, it is not known whether the gap can be loaded: show no text that may be
    // wrong, which a screen reader would speak.
    const isAwaitingReplay = segment.lastSeq === null;
    if (index > 0 && !isAwaitingReplay) items.push(gapBefore(segment));
    for (const event of segment.events) {
      if (event.type === "message") {
        const message = createMessage(event);
        messages.set(keyOf(segment.epoch, event.seq), message);
        items.push(message);
      } else {
        // By the log's epoch, because message and change may have been written in different ones. The target may not be
        // loaded yet: the change applies once it is.
        const target = messages.get(keyOf(segment.epoch, event.target));
        if (target !== undefined) applyChange(target, event);
      }
    }
  }
  return items.map((item) => (item.kind === "message" ? { ...item, reactions: countReactions(item.reactions) } : item));
}

/**
 * @param {string} epoch
 * @param {number} seq
 */
function keyOf(epoch, seq) {
  return `${epoch} ${seq}`;
}

/**
 * @param {import("./timeline.js").Segment} segment
 * @returns {Gap}
 */
function gapBefore({ id, hasOlder, unloaded }) {
  const version = (hasOlder ? 1 : 0) + (unloaded ? 2 : 0);
  return { kind: "gap", key: `gap ${id}`, version, segment: id, canLoad: hasOlder, isUnloaded: unloaded };
}

/**
 * @param {import("../net/protocol.js").RoomMessage} event
 * @returns {MessageDraft}
 */
function createMessage({ epoch, seq, user, text, at }) {
  const place = { kind: /** @type {const} */ ("message"), key: keyOf(epoch, seq), version: 0, epoch, seq };
  return { ...place, user, text, at, edited: false, deleted: false, reactions: new Map() };
}

/**
 * @param {MessageDraft} message
 * @param {Exclude<import("../net/protocol.js").RoomEvent, {type: "message"}>} event
 */
function applyChange(message, event) {
  message.version = event.seq;
  if (event.type === "deleted") Object.assign(message, { deleted: true, text: "", reactions: new Map() });
  if (message.deleted) return;
  if (event.type === "edited") Object.assign(message, { edited: true, text: event.text });
  if (event.type === "reaction") applyReaction(message.reactions, event);
}

/**
 * Each user counts once per emoji.
 *
 * @param {Map<string, Set<string>>} reactions
 * @param {import("../net/protocol.js").RoomReaction} event
 */
function applyReaction(reactions, { emoji, user, on }) {
  const users = reactions.get(emoji) ?? new Set();
  if (on) users.add(user.id);
  else users.delete(user.id);
  if (users.size > 0) reactions.set(emoji, users);
  else reactions.delete(emoji);
}

/** @param {Map<string, Set<string>>} reactions */
function countReactions(reactions) {
  return Array.from(reactions, ([emoji, users]) => ({ emoji, count: users.size }));
}
