/** What the page finds around it: where the server is, and whether the browser lets it remember. */

/**
 * @typedef {{api: string, socket: string}} Config origins, for example "https://chat.example.org" and
 *   "wss://chat.example.org"; empty: the page's own
 */

/** @returns {Promise<Config>} */
export async function readConfig() {
  try {
    const response = await fetch("config.json", { cache: "no-cache" });
    return { api: "", socket: "", ...(response.ok ? await response.json() : {}) };
  } catch {
    return { api: "", socket: "" };
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
