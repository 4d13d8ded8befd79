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
 * @property {string} cid
 * @property {number | null} replyTo seq of the message that this one answers
 * @property {readonly string[]} mentions ids of the mentioned people
 * @property {boolean} mentionsRoom
 * @property {string | null} editedAt
 * @property {boolean} edited
 * @property {boolean} deleted
 * @property {readonly Reaction[]} reactions in the order in which the emoji were first used
 *
 * @typedef {object} Reaction
 * @property {string} emoji
 * @property {number} count
 * @property {readonly string[]} users ids of the people who are known: of all, or of the first ones
 *
 * @typedef {object} Notice a change of the room or of its members
 * @property {"notice"} kind
 * @property {string} key
 * @property {number} version
 * @property {string} epoch
 * @property {number} seq
 * @property {string} at
 * @property {import("../net/protocol.js").NoticeKind} notice what has changed
 * @property {import("../net/protocol.js").Author} user who changed it
 * @property {import("../net/protocol.js").Author | null} target
 * @property {string} value
 *
 * @typedef {object} Gap events that the page does not have
 * @property {"gap"} kind
 * @property {string} key
 * @property {number} version
 * @property {number} segment id of the segment after the gap
 * @property {boolean} canLoad whether the server has the missing events
 * @property {boolean} isUnloaded whether the events were here, and are loaded again when the reader scrolls to them
 *
 * @typedef {import("../net/protocol.js").RoomMessage} RoomMessage
 *
 * @typedef {object} ReactionDraft
 * @property {Set<string>} users ids of those that are known
 * @property {number} others how many more there are
 *
 * @typedef {Omit<Message, "reactions"> & {asOf: number, reactions: Map<string, ReactionDraft>}} MessageDraft emoji →
 *   reaction; changes up to the seq `asOf` are in the message already
 */

/**
 * By its event, a message that nothing has changed: most of a room's messages, each time that one more arrives.
 *
 * @type {WeakMap<RoomMessage, Message>}
 */
const unchanged = new WeakMap();

/**
 * Return the messages of the segments, with the gaps between them.
 *
 * @param {readonly import("./timeline.js").Segment[]} segments
 * @returns {(Message | Notice | Gap)[]} oldest first
 */
export function reduceMessages(segments) {
  /** @type {(Message | Notice | Gap)[]} */
  const items = [];
  /** Log position → the message's event, and its index in `items`. @type {Map<string, {event: RoomMessage, index: number}>} */
  const messages = new Map();
  /** Index in `items` → the message that is changed. @type {Map<number, MessageDraft>} */
  const drafts = new Map();
  for (const [index, segment] of segments.entries()) {
    // Until the first event of a replay arrives, it is not known whether the gap can be loaded: show no text that may be
    // wrong, which a screen reader would speak.
    const isAwaitingReplay = segment.lastSeq === null;
    if (index > 0 && !isAwaitingReplay) items.push(gapBefore(segment));
    for (const event of segment.events) {
      if (event.type === "message") {
        messages.set(keyOf(segment.epoch, event.seq), { event, index: items.length });
        items.push(unchangedMessage(event));
      } else if (event.type === "notice") {
        items.push(createNotice(segment.epoch, event));
      } else if ("target" in event) {
        // By the log's epoch, because message and change may have been written in different ones. The target may not be
        // loaded yet: the change applies once it is.
        const target = messages.get(keyOf(segment.epoch, event.target));
        if (target === undefined) continue;
        const draft = drafts.get(target.index) ?? createMessage(target.event);
        drafts.set(target.index, draft);
        applyChange(draft, event);
      }
    }
  }
  for (const [index, draft] of drafts) items[index] = finish(draft);
  return items;
}

/**
 * @param {RoomMessage} event
 * @returns {Message}
 */
function unchangedMessage(event) {
  let message = unchanged.get(event);
  if (message === undefined) {
    message = finish(createMessage(event));
    unchanged.set(event, message);
  }
  return message;
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
 * @param {string} epoch of the log
 * @param {import("../net/protocol.js").RoomNotice} event
 * @returns {Notice}
 */
function createNotice(epoch, { seq, at, kind, user, target, value = "" }) {
  return {
    kind: "notice",
    key: keyOf(epoch, seq),
    version: 0,
    epoch,
    seq,
    at,
    notice: kind,
    user,
    target: target ?? null,
    value,
  };
}

/**
 * @param {RoomMessage} event
 * @returns {MessageDraft}
 */
function createMessage(event) {
  const { epoch, seq, cid, user, text, at, as_of: asOf = 0, edited_at: editedAt = null, deleted_at: deletedAt } = event;
  const reactions = new Map(
    event.reactions?.map(({ emoji, count, users }) => [emoji, { users: new Set(users), others: count - users.length }]),
  );
  return {
    kind: "message",
    key: keyOf(epoch, seq),
    version: asOf,
    asOf,
    epoch,
    seq,
    cid,
    user,
    text,
    at,
    replyTo: event.reply_to ?? null,
    ...mentionsOf(event),
    editedAt,
    edited: editedAt !== null,
    deleted: deletedAt !== undefined,
    reactions,
  };
}

/** @param {import("../net/protocol.js").Mentions} event */
function mentionsOf({ mentions = [], mentions_room: mentionsRoom = false }) {
  return { mentions, mentionsRoom };
}

/**
 * @param {MessageDraft} message
 * @param {Extract<import("../net/protocol.js").RoomEvent, {target: number}>} event
 */
function applyChange(message, event) {
  if (event.seq <= message.asOf) return;
  message.version = event.seq;
  if (event.type === "deleted") {
    Object.assign(
      message,
      { deleted: true, edited: false, editedAt: null, text: "", reactions: new Map() },
      mentionsOf({}),
    );
  }
  if (message.deleted) return;
  if (event.type === "edited") {
    Object.assign(message, { edited: true, editedAt: event.at, text: event.text }, mentionsOf(event));
  }
  if (event.type === "reaction") applyReaction(message.reactions, event);
}

/**
 * Each user counts once per emoji.
 *
 * @param {Map<string, ReactionDraft>} reactions
 * @param {import("../net/protocol.js").RoomReaction} event
 */
function applyReaction(reactions, { emoji, user, on }) {
  const reaction = reactions.get(emoji) ?? { users: new Set(), others: 0 };
  if (on) reaction.users.add(user.id);
  // The log has no event that changes nothing: a user who is not listed is one of the others.
  else if (!reaction.users.delete(user.id)) reaction.others = Math.max(0, reaction.others - 1);
  if (reaction.users.size + reaction.others > 0) reactions.set(emoji, reaction);
  else reactions.delete(emoji);
}

/**
 * @param {MessageDraft} draft
 * @returns {Message}
 */
function finish({ asOf: _, reactions, ...message }) {
  const counted = Array.from(reactions, ([emoji, { users, others }]) => ({
    emoji,
    count: users.size + others,
    users: [...users],
  }));
  return { ...message, reactions: counted };
}
