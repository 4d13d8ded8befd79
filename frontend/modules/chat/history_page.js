/**
 * From a page of history to consecutive events, as the timeline holds them. The page has messages and notices in their
 * current form: their changes are applied already. A `folded` event is the placeholder for each change, so that the seqs
 * stay consecutive.
 *
 * @typedef {import("../net/protocol.js").RoomEvent} RoomEvent
 */

/**
 * Return the events from the seq `first` to the seq `last`.
 *
 * @param {import("../net/protocol.js").HistoryPage} page
 * @param {number} first
 * @param {number} last
 * @returns {RoomEvent[]}
 */
export function consecutiveEvents({ epoch, as_of, events }, first, last) {
  const rows = new Map(events.map((row) => [row.seq, { ...row, as_of }]));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const seq = first + index;
    return rows.get(seq) ?? { type: "folded", epoch, seq };
  });
}
