/** What the page finds around it: where the server is, and whether the browser lets it remember. */

/**
 * @typedef {{api: string, socket: string}} Config origins, for example "https://chat.example.org" and
 *   "wss://chat.example.org"; empty: the page's own
 */

const PATIENCE_MS = 15_000;

/**
 * Only a missing file means the page's own origin. To guess that after any other answer would ask a bucket for the
 * sign-in, and take its refusal for the server's.
 *
 * @returns {Promise<Config>}
 */
export async function readConfig() {
  try {
    const response = await fetch("config.json", { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok && response.status !== 404) throw new Error(`config.json: ${response.status}`);
    return { api: "", socket: "", ...(response.ok ? await response.json() : {}) };
  } catch (cause) {
    throw new Error("The server cannot be reached. Check your connection and try again.", { cause });
  }
}

/** @param {Config} config */
export function socketUrl({ socket }) {
  return `${socket || location.origin.replace(/^http/u, "ws")}/ws`;
}

/** @returns {Storage | null} null where the browser refuses it: the page works without */
export function browserStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
