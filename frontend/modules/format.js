/** Text for people, made from what the server sends: sentences, durations, names of devices. */

// The order matters: Edge and Opera call themselves Chrome, and Chrome calls itself Safari.
const BROWSERS = [
  ["Edg", "Edge"],
  ["OPR", "Opera"],
  ["Firefox", "Firefox"],
  ["FxiOS", "Firefox"],
  ["Chrome", "Chrome"],
  ["CriOS", "Chrome"],
  ["Safari", "Safari"],
];
const SYSTEMS = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
];

/**
 * Return a server message as a sentence.
 *
 * @param {string} message as in a log line: no capital letter, no full stop
 * @returns {string}
 */
export function formatSentence(message) {
  return message.charAt(0).toUpperCase() + message.slice(1) + (/[.!?…]$/u.test(message) ? "" : ".");
}

/**
 * @param {number} seconds
 * @returns {string} for example "2 min 5 s"
 */
export function formatDuration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Return a day, with its year unless that is the current one.
 *
 * @param {Date} date
 * @param {number} now milliseconds since 1970
 * @param {string} [locale] default: that of the browser
 * @returns {string} for example "Sunday, November 22", or "Saturday, November 22, 2025"
 */
export function formatDay(date, now, locale) {
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString(locale, {
    weekday: "long",
    day: "numeric",
    month: "long",
    ...(isThisYear ? {} : { year: "numeric" }),
  });
}

/**
 * Return a time of day, with its date unless that is today.
 *
 * @param {Date} date
 * @param {number} now milliseconds since 1970
 * @param {string} [locale] default: that of the browser
 * @returns {string} for example "2:32 PM", or "November 22, 2:32 PM"
 */
export function formatMoment(date, now, locale) {
  const isToday = date.toDateString() === new Date(now).toDateString();
  const day = isToday ? {} : /** @type {const} */ ({ month: "long", day: "numeric" });
  return date.toLocaleString(locale, { ...day, hour: "numeric", minute: "2-digit" });
}

/**
 * @param {number} count
 * @param {string} noun in the singular
 * @returns {string} for example "1 message", "2 messages"
 */
export function formatCount(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * Return the name of a device, for example "Firefox on Linux".
 *
 * @param {string} userAgent as the device sent it: any text at all
 * @returns {string}
 */
export function formatDevice(userAgent) {
  const browser = BROWSERS.find(([token]) => userAgent.includes(token))?.[1];
  const system = SYSTEMS.find(([token]) => userAgent.includes(token))?.[1];
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`;
  return browser ?? (userAgent.split(" ")[0] || "Unknown device");
}

/**
 * Return what to tell the person about an error. The browser's own messages are for developers: "Cannot read properties
 * of null" appears when an answer has another shape than the page expects.
 *
 * @param {Error} error
 * @returns {string}
 */
export function messageOf(error) {
  const isForDevelopers = ["TypeError", "ReferenceError", "RangeError", "SyntaxError"].includes(error.name);
  if (!isForDevelopers) return error.message;
  console.error(error);
  return "The page could not use the server’s answer. Reload the page. If that does not help, tell an administrator.";
}
