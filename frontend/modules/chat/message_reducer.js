/**
 * From the log to what is shown: edits, deletes and reactions are entries of the same log, and a message
 * looks like the fold of all that was said about it. Pure.
 *
 * @typedef {object} ShownMessage
 * @property {"message"} kind
 * @property {string} key
 * @property {number} version changes whenever the message looks different
 * @property {string} epoch
 * @property {number} seq
 * @property {string} cid
 * @property {{id: string, name: string}} user
 * @property {string} text "" once deleted
 * @property {string} at
 * @property {boolean} edited
 * @property {boolean} deleted
 * @property {{emoji: string, count: number}[]} reactions
 *
 * @typedef {{kind: "gap", key: string, version: number, run: number, fillable: boolean}} ShownGap
 */

/**
 * @param {readonly import("./timeline.js").Run[]} runs
 * @returns {(ShownMessage | ShownGap)[]} oldest first
 */
export function fold(runs) {
  const shown = [];
  const messages = new Map();
  for (const [index, run] of runs.entries()) {
    if (index > 0) {
      const fillable = run.more && run.events.length > 0;
      shown.push({ kind: "gap", key: `gap ${run.id}`, version: fillable ? 1 : 0, run: run.id, fillable });
    }
    for (const event of run.events) {
      if (event.type === "message") {
        const message = messageOf(event);
        messages.set(message.key, message);
        shown.push(message);
      } else {
        // What happened to a message that is not paged in shows when it is.
        const target = messages.get(`${event.epoch} ${event.target}`);
        if (target !== undefined) change(target, event);
      }
    }
  }
  return shown.map((item) => (item.kind === "message" ? { ...item, reactions: counted(item.reactions) } : item));
}

function messageOf(event) {
  const { epoch, seq, cid, user, text, at } = event;
  const place = { kind: "message", key: `${epoch} ${seq}`, version: 0, epoch, seq };
  return { ...place, cid, user, text, at, edited: false, deleted: false, reactions: new Map() };
}

function change(message, event) {
  message.version = event.seq;
  if (event.type === "deleted") Object.assign(message, { deleted: true, text: "", reactions: new Map() });
  if (message.deleted) return;
  if (event.type === "edited") Object.assign(message, { edited: true, text: event.text });
  if (event.type === "reaction") react(message.reactions, event);
}

/** One person counts once per emoji, however often the button was pressed. */
function react(reactions, { emoji, user, on }) {
  const people = reactions.get(emoji) ?? new Set();
  if (on) people.add(user.id);
  else people.delete(user.id);
  if (people.size > 0) reactions.set(emoji, people);
  else reactions.delete(emoji);
}

function counted(reactions) {
  return Array.from(reactions, ([emoji, people]) => ({ emoji, count: people.size }));
}
