/**
 * What is searched for, and the query parameters made of it. Pure functions.
 *
 * @typedef {object} SearchFilters
 * @property {string} words as typed
 * @property {string} room id; empty: all rooms of the user
 * @property {import("../net/protocol.js").Author | null} author null: everyone
 * @property {string} since first day, as a date input has it ("2026-11-28"); empty: no limit
 * @property {string} until last day, included; empty: no limit
 */

const PAGE_SIZE = 20;
/** @type {SearchFilters} */
export const NO_FILTERS = { words: "", room: "", author: null, since: "", until: "" };

/**
 * @param {SearchFilters} filters
 * @param {string | null} cursor `next` of the page before; null: the first page
 * @returns {URLSearchParams}
 */
export function searchParameters({ words, room, author, since, until }, cursor) {
  const parameters = new URLSearchParams({ q: words.trim(), limit: String(PAGE_SIZE) });
  if (room !== "") parameters.set("room", room);
  if (author !== null) parameters.set("user", author.id);
  if (since !== "") parameters.set("since", startOfDay(since, 0));
  if (until !== "") parameters.set("until", startOfDay(until, 1));
  if (cursor !== null) parameters.set("cursor", cursor);
  return parameters;
}

/**
 * The server's `until` is excluded, and its days are those of UTC: the days here are those of the reader.
 *
 * @param {string} day
 * @param {number} daysLater
 */
function startOfDay(day, daysLater) {
  const date = new Date(`${day}T00:00`);
  date.setDate(date.getDate() + daysLater);
  return date.toISOString();
}
