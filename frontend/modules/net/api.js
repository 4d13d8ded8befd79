/** HTTP to the server: one JSON request, one JSON answer, one kind of error. */

import { sentence } from "./words.js";

const TIMEOUT_MS = 15_000;

/** What went wrong, in the server's own words where it said something. */
export class ApiError extends Error {
  /**
   * @param {number} status HTTP status; 0 when there was no answer at all
   * @param {{code?: string, message?: string, retryable?: boolean, retry_after_ms?: number, field?: string}} details
   */
  constructor(status, details) {
    super(sentence(details.message ?? wordsFor(status)));
    this.name = "ApiError";
    this.status = status;
    /** @type {string | null} null: not the server speaks, but something on the way to it */
    this.code = details.code ?? null;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retry_after_ms ?? null;
    this.field = details.field ?? null;
  }
}

/**
 * @param {string} base "" for the page's own origin, else for example "https://chat.example.org"
 * @param {typeof fetch} [request]
 * @returns {{send: Function, post: (path: string, body: object, token?: string | null, timeoutMs?: number) => Promise<any>}}
 */
export function createApi(base, request = (...args) => fetch(...args)) {
  /**
   * @param {string} method
   * @param {string} path
   * @param {object | null} body
   * @param {string | null} [token]
   * @param {number} [timeoutMs]
   * @returns {Promise<any>} the answer's JSON, or null when it is empty
   * @throws {ApiError}
   */
  async function send(method, path, body, token = null, timeoutMs = TIMEOUT_MS) {
    const headers = {};
    if (body !== null) headers["Content-Type"] = "application/json";
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    let response;
    try {
      response = await request(`${base}${path}`, {
        method,
        headers,
        body: body === null ? undefined : JSON.stringify(body),
        credentials: "include", // the refresh cookie, also when page and API are two hosts of one site
        cache: "no-store",
        // A rotated refresh cookie must arrive even if the page is reloaded meanwhile: the old one is used up.
        keepalive: true,
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      throw new ApiError(0, {});
    }
    return answerOf(response);
  }

  return { send, post: (path, body, ...more) => send("POST", path, body, ...more) };
}

/** @param {Response} response */
async function answerOf(response) {
  const text = await response.text().catch(() => "");
  let json = null;
  try {
    json = text === "" ? null : JSON.parse(text);
  } catch {
    // A proxy in between answers in HTML; its status tells enough.
  }
  if (response.ok) return json;
  const details = { ...json?.error };
  const retryAfter = Number(response.headers.get("Retry-After"));
  if (details.retry_after_ms === undefined && retryAfter > 0) details.retry_after_ms = retryAfter * 1000;
  throw new ApiError(response.status, details);
}

/** @param {number} status */
function wordsFor(status) {
  if (status === 0) return "The server cannot be reached. Check your connection and try again.";
  if (status === 429) return "Too many attempts.";
  if (status >= 500) return "The server has trouble at the moment. Try again in a little while.";
  return "The server did not accept that.";
}
