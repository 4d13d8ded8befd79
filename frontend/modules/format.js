/** Text for people, made from what the server sends: sentences, durations, names of devices. */

import { pageLocale, text } from "./strings/strings.js";

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
 * Return a time that passes, for a countdown: its two largest units. Their symbols are the same in all languages (SI).
 *
 * @param {number} seconds
 * @returns {string} for example "2 min 5 s"
 */
export function formatDuration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** The units of a span of time, the largest first. */
const SPANS = /** @type {const} */ ([
  ["span.years", 365 * 86_400],
  ["span.days", 86_400],
  ["span.hours", 3_600],
  ["span.minutes", 60],
  ["span.seconds", 1],
]);

/**
 * Return a span of time that a person chooses, in the largest unit that divides it.
 *
 * @param {number} seconds
 * @returns {string} for example "7 days"
 */
export function formatSpan(seconds) {
  const [key, unit] = SPANS.find(([, size]) => seconds >= size && seconds % size === 0) ?? SPANS[SPANS.length - 1];
  return text(key, { count: seconds / unit });
}

/**
 * Return a day, with its year unless that is the current one.
 *
 * @param {Date} date
 * @param {number} now milliseconds since 1970
 * @param {string} [locale] default: that of the page
 * @returns {string} for example "Sunday, November 22", or "Saturday, November 22, 2025"
 */
export function formatDay(date, now, locale = pageLocale()) {
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
 * @param {string} [locale] default: that of the page
 * @returns {string} for example "2:32 PM", or "November 22, 2:32 PM"
 */
export function formatMoment(date, now, locale = pageLocale()) {
  const isToday = date.toDateString() === new Date(now).toDateString();
  const day = isToday ? {} : /** @type {const} */ ({ month: "long", day: "numeric" });
  return date.toLocaleString(locale, { ...day, hour: "numeric", minute: "2-digit" });
}

/**
 * Return a function that formats a time (RFC 3339) in the language of the page and the zone of the reader. The format is
 * built at its first use, when the language is known, and only once, because that is slow. Messages of the same time
 * often follow each other: the last result is kept.
 *
 * @param {Intl.DateTimeFormatOptions} style
 * @param {number} unitMs in which two times look the same
 * @returns {(at: string) => string}
 */
function timeFormat(style, unitMs) {
  /** @type {Intl.DateTimeFormat | null} */
  let format = null;
  let [lastUnit, lastResult] = [NaN, ""];
  return (at) => {
    const date = new Date(at);
    const unit = Math.floor(date.getTime() / unitMs);
    if (unit !== lastUnit) {
      lastResult = (format ??= new Intl.DateTimeFormat(pageLocale(), style)).format(date);
      lastUnit = unit;
    }
    return lastResult;
  };
}

/** For example "11:04 AM". */
export const formatTime = timeFormat({ hour: "2-digit", minute: "2-digit" }, 60_000);
/** For example "Nov 22, 2025, 11:04 AM". */
export const formatDateTime = timeFormat({ dateStyle: "medium", timeStyle: "short" }, 60_000);
/** For example "Saturday, November 22, 2025 at 11:04:05 AM". */
export const formatFullDateTime = timeFormat({ dateStyle: "full", timeStyle: "medium" }, 1_000);

/**
 * Return the name of a device, for example "Firefox on Linux".
 *
 * @param {string} userAgent as the device sent it: any text at all
 * @returns {string}
 */
export function formatDevice(userAgent) {
  const browser = BROWSERS.find(([token]) => userAgent.includes(token))?.[1];
  const system = SYSTEMS.find(([token]) => userAgent.includes(token))?.[1];
  if (browser !== undefined && system !== undefined) return text("device.on", { browser, system });
  return browser ?? (userAgent.split(" ")[0] || text("device.unknown"));
}
