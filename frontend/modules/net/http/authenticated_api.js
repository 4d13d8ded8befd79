/**
 * Requests on behalf of the signed-in user: with a valid access token, which is refreshed when the server rejects it.
 */

import { ApiError } from "./api.js";
import { SessionEnded, StaleRequest } from "../session/session.js";

/**
 * Send one request as the signed-in user. Rejects with ApiError, SessionEnded or StaleRequest.
 *
 * @callback AuthenticatedRequest
 * @param {string} method
 * @param {string} path
 * @param {object | null} [body]
 * @returns {Promise<any>}
 */

/**
 * @param {object} options
 * @param {import("./api.js").CallApi} options.api
 * @param {Pick<import("../session/session.js").Session, "user" | "accessToken" | "refresh">} options.session
 * @param {() => void} options.onSessionEnded
 * @returns {AuthenticatedRequest}
 */
export function createAuthenticatedApi({ api, session, onSessionEnded }) {
  return async function request(method, path, body = null) {
    const userId = session.user?.id;
    try {
      const token = await session.accessToken();
      try {
        return await api(method, path, body, token);
      } catch (error) {
        // A token may be revoked before it expires, for example by a new role. A wrong password names its field.
        if (!(error instanceof ApiError) || error.status !== 401 || error.field !== null) throw error;
        // Signed out meanwhile, and perhaps another user signed in: never repeat the request as that user.
        if (session.user?.id !== userId) throw new StaleRequest();
        return await api(method, path, body, await session.refresh());
      }
    } catch (error) {
      if (error instanceof SessionEnded) onSessionEnded();
      throw error;
    }
  };
}
