/**
 * Removes the service worker and its copies of the page from every browser that visits. To use it, copy it over
 * frontend/service_worker.js, and publish the page again if it is hosted elsewhere. Browsers look for it at each visit.
 */

const remover = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

remover.addEventListener("install", () => remover.skipWaiting());

remover.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([caches.delete("cloudchat"), remover.registration.unregister()]));
});
