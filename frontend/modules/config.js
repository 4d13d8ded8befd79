/**
 * The page's configuration: where the server is. `cloudchat frontend publish` writes config.json for a page that is
 * hosted elsewhere.
 *
 * @typedef {object} Config
 * @property {string} api origin of the HTTP API, for example "https://chat.example.org"; empty: the page's own origin
 * @property {string} socket origin of the WebSocket, for example "wss://chat.example.org"; empty: the page's own origin
 */

const TIMEOUT_MS = 15_000;

/**
 * Load config.json. Only a missing file (404) means the page's own origin. To assume that after any other answer would
 * send the sign-in to a storage bucket and treat the bucket's 403 as the server's.
 *
 * @returns {Promise<Config>} rejects with an error for developers
 */
export async function readConfig() {
  const response = await fetch("config.json", { cache: "no-cache", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok && response.status !== 404) throw new Error(`config.json: ${response.status}`);
  return { api: "", socket: "", ...(response.ok ? await response.json() : {}) };
}

/**
 * Return the URL of the WebSocket.
 *
 * @param {Config} config
 * @returns {string}
 */
export function socketUrl({ socket }) {
  return `${socket || location.origin.replace(/^http/u, "ws")}/ws`;
}
