/** The server's messages, and durations, in the form in which people read them. */

/**
 * @param {string} words as in a log line: no capital, no full stop
 * @returns {string}
 */
export function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?…]$/u.test(words) ? "" : ".");
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
