/** Requests in the name of the person who is signed in: with a token that is good, and renewed when it is not. */

import { Overtaken, SessionEnded } from "../session.js";

/**
 * @param {object} options
 * @param {ReturnType<typeof import("../api.js").createApi>} options.api
 * @param {import("../session.js").Session} options.session
 * @param {() => void} options.onSessionEnded
 * @returns {(method: string, path: string, body?: object | null) => Promise<any>} rejects with ApiError, SessionEnded or Overtaken
 */
export function createCalls({ api, session, onSessionEnded }) {
  return async function call(method, path, body = null) {
    const asking = session.user?.id;
    try {
      const token = await session.token();
      return await api.send(method, path, body, token).catch(async (error) => {
        // A token may be revoked before its time, by a new role for example; a wrong password names its field.
        if (error.status !== 401 || error.field !== null) throw error;
        // Signed out meanwhile, and perhaps somebody else signed in: it must not be done in their name.
        if (session.user?.id !== asking) throw new Overtaken();
        return api.send(method, path, body, await session.refresh());
      });
    } catch (error) {
      if (error instanceof SessionEnded) onSessionEnded();
      throw error;
    }
  };
}
