/** A notice of the log as a sentence. */

import { text } from "../strings/strings.js";

/**
 * @param {Pick<import("../chat/message_reducer.js").Notice, "notice" | "user" | "target" | "value">} notice
 * @param {string} ownId
 * @returns {string}
 */
export function noticeText({ notice, user, target, value }, ownId) {
  const isOwn = user.id === ownId;
  const values = { name: isolate(user.name), target: isolate(target?.name ?? ""), value: isolate(value) };
  if (notice === "topic" && value === "") {
    return text(isOwn ? "notice.topic_removed.own" : "notice.topic_removed", values);
  }
  if (notice === "role") {
    const role = text(`role.${/** @type {"owner"} */ (value)}`);
    if (target?.id === ownId) return text("notice.role.of_own", { ...values, role });
    return text(isOwn ? "notice.role.own" : "notice.role", { ...values, role });
  }
  if (target?.id === ownId && (notice === "added" || notice === "removed")) {
    return text(`notice.${notice}.of_own`, values);
  }
  return text(isOwn ? `notice.${notice}.own` : `notice.${notice}`, values);
}

/**
 * A name in a right-to-left script must not reorder the sentence: FSI … PDI of Unicode UAX #9.
 *
 * @param {string} name
 */
function isolate(name) {
  return `\u2068${name}\u2069`;
}
