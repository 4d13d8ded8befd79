/** Times, devices and marks, as lists show them. */

import { element } from "../dom.js";

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

// The order matters: Edge and Opera call themselves Chrome, and Chrome calls itself Safari.
const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["FxiOS", "Firefox"], ["Chrome", "Chrome"], ["CriOS", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS X", "macOS"], ["CrOS", "ChromeOS"], ["Linux", "Linux"]];

/** @param {string | null} text RFC 3339 @param {string} [none] */
export function moment(text, none = "never") {
  if (text === null || text === undefined) return element("span", { class: "quiet" }, none);
  const date = new Date(text);
  return element("time", { datetime: text, title: EXACT.format(date) }, MOMENT.format(date));
}

/** @param {string} client what a device called itself: anything at all */
export function deviceName(client) {
  const browser = BROWSERS.find(([mark]) => client.includes(mark))?.[1];
  const system = SYSTEMS.find(([mark]) => client.includes(mark))?.[1];
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`;
  return browser ?? (client.split(" ")[0] || "Unknown device");
}

/** @param {string} words @param {"good" | "bad" | ""} [kind] */
export function mark(words, kind = "") {
  return element("span", { class: `mark ${kind}` }, words);
}

/** Lifetimes to choose from: seconds, as the server wants them, and words. @type {[string, string][]} */
export const LIFETIMES = [
  ["3600", "1 hour"],
  ["86400", "1 day"],
  ["604800", "7 days"],
  ["2592000", "30 days"],
  ["7776000", "90 days"],
  ["31536000", "1 year"],
];
