/**
 * Registers the service worker, which opens the page without a network, and offers to reload when it has a new version.
 * Browsers have service workers only in secure contexts: over plain http beyond loopback, the page works without one.
 */

import { text } from "../strings/strings.js";
import { byId } from "../ui/dom.js";

const WORKER = "service_worker.js";

/** Register the worker. Reading all files competes with the page's own requests: call it when the page is usable. */
export async function registerPageWorker() {
  const { serviceWorker: workers } = navigator;
  if (!workers) return;
  workers.addEventListener("message", ({ data }) => {
    if (data?.type === "updated") offerReload();
  });
  workers.startMessages();
  try {
    // The browser compares the worker with the server's at each visit, and never with a copy in its cache.
    await workers.register(trustedUrl(WORKER), { updateViaCache: "none" });
  } catch (error) {
    console.warn("The page will not open without a network.", error);
  }
}

/** The server may have another version of the page now, for example because it was restarted. */
export async function checkForNewVersion() {
  const registration = await navigator.serviceWorker?.getRegistration();
  registration?.active?.postMessage({ type: "check" });
}

function offerReload() {
  byId("new-version-text").textContent = text("offline.new_version");
  const button = byId("new-version-reload");
  button.textContent = text("offline.reload");
  button.addEventListener("click", () => location.reload(), { once: true });
  byId("new-version").hidden = false;
}

/**
 * The page's policy requires a trusted type for the address of a script. The policy of this name allows this address
 * only, and no other can be created (CSP3 `trusted-types`).
 *
 * @param {string} url
 * @returns {string}
 */
function trustedUrl(url) {
  /** @type {{createPolicy(name: string, rules: {createScriptURL(url: string): string}): {createScriptURL(url: string): string}} | undefined} */
  const factory = Reflect.get(globalThis, "trustedTypes");
  if (factory === undefined) return url;
  return factory.createPolicy("service-worker", { createScriptURL: () => WORKER }).createScriptURL(url);
}
