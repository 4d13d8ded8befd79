/** Whether the person can write in a room now, and if not, why and for how long. */

/**
 * @param {object} state
 * @param {import("../net/protocol.js").RoomInfo} state.info
 * @param {import("./room_types.js").Permissions} state.permissions
 * @param {number | null | undefined} state.mutedUntil null: muted without an end; undefined: not muted, as far as known
 * @param {number} state.sentAt when the last own message was accepted, milliseconds since 1970
 * @param {number} state.now milliseconds since 1970
 * @param {boolean} state.isDisconnectedForGood
 * @returns {import("./room_types.js").Writing}
 */
export function writingOf({ info, permissions, mutedUntil, sentAt, now, isDisconnectedForGood }) {
  if (isDisconnectedForGood) return { state: "disconnected_for_good", until: null };
  if (info.archived) return { state: "archived", until: null };
  if (!permissions.send) return { state: "reader", until: null };
  if (mutedUntil === null || (mutedUntil !== undefined && mutedUntil > now)) {
    return { state: "muted", until: mutedUntil };
  }
  const slowUntil = sentAt + info.slow_mode_seconds * 1000;
  // Slow mode does not limit moderators and owners.
  if (info.slow_mode_seconds > 0 && slowUntil > now && !permissions.moderate) {
    return { state: "slow_mode", until: slowUntil };
  }
  return { state: "allowed", until: null };
}
