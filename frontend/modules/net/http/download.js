/** Files from the HTTP API, for the signed-in user. A link cannot carry the access token. */

import { ApiError, readAnswer } from "./api.js";

/**
 * @callback Download
 * @param {string} path
 * @returns {Promise<Blob>} rejects with ApiError
 */

/**
 * @param {string} origin see createApi
 * @param {Pick<import("../session/session.js").Session, "accessToken">} session
 * @returns {Download}
 */
export function createDownload(origin, session) {
  return async function download(path) {
    const headers = { Authorization: `Bearer ${await session.accessToken()}` };
    let response;
    try {
      response = await fetch(`${origin}${path}`, { headers, cache: "no-store" });
      if (response.ok) return await response.blob();
    } catch {
      throw new ApiError(0, {});
    }
    return await readAnswer(response);
  };
}
