/**
 * One HTTP request to the server. `api.js` interprets the answer; this module does not, because the start of the page
 * sends the first request before the texts for errors are loaded.
 *
 * @typedef {object} ApiRequest
 * @property {string} method
 * @property {string} path
 * @property {object | null} [body]
 * @property {string | null} [token]
 * @property {number} [timeoutMs]
 *
 * @callback SendRequest
 * @param {string} origin "" for the page's own origin, else for example "https://chat.example.org"
 * @param {ApiRequest} request
 * @returns {Promise<Response>} rejects if there is no answer
 */

const TIMEOUT_MS = 15_000;

/** @type {SendRequest} */
export async function sendRequest(origin, { method, path, body = null, token = null, timeoutMs = TIMEOUT_MS }) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (body !== null) headers["Content-Type"] = "application/json";
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  return fetch(`${origin}${path}`, {
    method,
    headers,
    body: body === null ? null : JSON.stringify(body),
    credentials: "include", // the refresh cookie, also if page and API are two hosts of one site
    cache: "no-store",
    // A rotated refresh cookie must arrive even if the page is reloaded meanwhile: the previous cookie is used up.
    keepalive: true,
    signal: AbortSignal.timeout(timeoutMs),
  });
}
