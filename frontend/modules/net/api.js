/** The HTTP API: one JSON request, one JSON answer, one kind of error. */

import { serverErrorText } from "../error_text.js";
import { text } from "../strings/strings.js";

const TIMEOUT_MS = 15_000;
const PROBE_TIMEOUT_MS = 3_000;

/**
 * Return the error for an answer that does not come from cloudchat. It counts as no answer at all.
 *
 * @returns {ApiError}
 */
export function foreignAnswer() {
  return new ApiError(0, { message: text("error.foreign_answer") });
}

/** A failed request, with the server's message if the server sent one. */
export class ApiError extends Error {
  /**
   * @param {number} status HTTP status; 0 if there was no answer at all
   * @param {import("./protocol.js").ErrorDetails} details
   */
  constructor(status, details) {
    super(serverErrorText(details) ?? defaultMessage(status));
    this.name = "ApiError";
    this.status = status;
    /** @type {string | null} null: the answer comes from something between the page and the server */
    this.code = details.code ?? null;
    this.retryAfterMs = details.retry_after_ms ?? null;
    this.field = details.field ?? null;
  }
}

/**
 * Send one request. Resolves with the answer's JSON object, or null for 204; rejects with ApiError. The object is not
 * validated: the caller states its type.
 *
 * @callback SendRequest
 * @param {string} method
 * @param {string} path
 * @param {object | null} [body]
 * @param {string | null} [token]
 * @param {number} [timeoutMs]
 * @returns {Promise<any>}
 */

/**
 * @param {string} origin "" for the page's own origin, else for example "https://chat.example.org"
 * @returns {SendRequest}
 */
export function createApi(origin) {
  return async function sendRequest(method, path, body = null, token = null, timeoutMs = TIMEOUT_MS) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (body !== null) headers["Content-Type"] = "application/json";
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    let response;
    try {
      response = await fetch(`${origin}${path}`, {
        method,
        headers,
        body: body === null ? null : JSON.stringify(body),
        credentials: "include", // the refresh cookie, also if page and API are two hosts of one site
        cache: "no-store",
        // A rotated refresh cookie must arrive even if the page is reloaded meanwhile: the previous cookie is used up.
        keepalive: true,
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      throw new ApiError(0, {});
    }
    return readAnswer(response);
  };
}

/**
 * Return whether a server answers at this origin. A proxy says by its status that the server behind it is away; of
 * another origin no status can be read.
 *
 * @param {string} origin see createApi
 * @returns {Promise<boolean>}
 */
export async function isAnswering(origin) {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const mode = origin === "" ? "same-origin" : "no-cors";
    const { status } = await fetch(`${origin}/healthz`, { mode, cache: "no-store", credentials: "omit", signal });
    return status < 500;
  } catch {
    return false;
  }
}

/**
 * Return the JSON object of an answer.
 *
 * @param {Response} response
 * @returns {Promise<any>} null for 204
 * @throws {ApiError}
 */
export async function readAnswer(response) {
  const json = await readJson(response);
  if (response.ok) {
    if (json === null && response.status !== 204) throw foreignAnswer();
    return json;
  }
  /** @type {import("./protocol.js").ErrorDetails} */
  const details = { ...json?.error };
  const retryAfterSeconds = Number(response.headers.get("Retry-After"));
  if (details.retry_after_ms === undefined && retryAfterSeconds > 0) details.retry_after_ms = retryAfterSeconds * 1000;
  throw new ApiError(response.status, details);
}

/**
 * @param {Response} response
 * @returns {Promise<any>} null: not an object. A proxy in between answers with HTML; or the connection was lost.
 */
async function readJson(response) {
  try {
    const json = await response.json();
    return typeof json === "object" ? json : null;
  } catch {
    return null;
  }
}

/**
 * @param {number} status
 * @returns {string}
 */
function defaultMessage(status) {
  if (status === 0) return text("error.unreachable");
  if (status === 429) return text("error.rate_limited");
  if (status >= 500) return text("error.server_problem");
  return text("error.refused");
}
