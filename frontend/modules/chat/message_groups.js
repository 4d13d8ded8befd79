/**
 * From messages to rows: a line where a new day begins, and messages that one person wrote in one go
 * drawn as a group. Pure; the view only draws.
 */

const ONE_GO_MS = 5 * 60_000;

/**
 * @param {(import("./fold.js").ShownMessage | import("./fold.js").ShownGap)[]} items oldest first
 * @returns {object[]} the items (messages with `opens`: the first of a group), and {kind: "day"} between them
 */
export function rowsOf(items) {
  const rows = [];
  let previous = null;
  for (const item of items) {
    if (item.kind !== "message") {
      previous = null;
      rows.push(item);
      continue;
    }
    const day = new Date(item.at).toDateString();
    if (previous === null || new Date(previous.at).toDateString() !== day) {
      rows.push({ kind: "day", key: `day ${day} ${item.key}`, version: 0, at: item.at });
      previous = null;
    }
    rows.push({ ...item, opens: !continues(previous, item) });
    previous = item;
  }
  return rows;
}

function continues(previous, item) {
  return (
    previous !== null &&
    previous.user.id === item.user.id &&
    Date.parse(item.at) - Date.parse(previous.at) < ONE_GO_MS
  );
}
