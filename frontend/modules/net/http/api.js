/** The HTTP API: one JSON request, one JSON answer, one kind of error. */

import { serverErrorText } from "../../error_text.js";
import { text } from "../../strings/strings.js";
import { sendRequest } from "./request.js";

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
   * @param {import("../protocol.js").ErrorDetails} details
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
 * @callback CallApi
 * @param {string} method
 * @param {string} path
 * @param {object | null} [body]
 * @param {string | null} [token]
 * @param {number} [timeoutMs]
 * @returns {Promise<any>}
 */

/**
 * @param {string} origin "" for the page's own origin, else for example "https://chat.example.org"
 * @param {import("./request.js").SendRequest} [send]
 * @returns {CallApi}
 */
export function createApi(origin, send = sendRequest) {
  return async (method, path, body, token, timeoutMs) => {
    let response;
    try {
      response = await send(origin, { method, path, body, token, timeoutMs });
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
  /** @type {import("../protocol.js").ErrorDetails} */
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
