/**
 * What lies above the page: the drawer, dialogs. Each open layer is an entry of the browser's history, so that Back (on
 * a phone, the only key at hand) closes it instead of leaving the page.
 */

/** @type {{close: () => void, onBack: () => void}[]} the topmost last */
const layers = [];
/** Where to go once the entries of the layers are left. */
let destination = "";
/** Whether the entries of closed layers are being left, which takes a moment. */
let isReturning = false;

/**
 * @param {() => void} close
 * @param {() => void} [onBack] called when Back has left the layer's entry: a layer that stays open opens itself again
 */
export function openLayer(close, onBack = close) {
  layers.push({ close, onBack });
  history.pushState({ layers: layers.length }, "");
}

/**
 * The person closed a layer in the page: leave its entry of the history.
 *
 * @param {() => void} close as given to `openLayer`
 */
export function closeLayer(close) {
  const index = layers.findIndex((layer) => layer.close === close);
  if (index < 0) return;
  const [...closing] = layers.splice(index);
  for (const above of closing.slice(1).reverse()) above.close();
  leaveEntries(closing.length);
}

/**
 * Close all layers and go to an address of the page.
 *
 * @param {string} hash
 */
export function navigate(hash) {
  if (layers.length === 0 && !isReturning) {
    setHash(hash);
    return;
  }
  destination = hash;
  closeAllLayers();
}

/** Close all layers, for example because the session ended. */
export function closeAllLayers() {
  const closing = layers.splice(0);
  for (const layer of closing.reverse()) layer.close();
  if (closing.length > 0) leaveEntries(closing.length);
}

/** @param {number} count */
function leaveEntries(count) {
  isReturning = true;
  history.go(-count);
}

/** Watch the browser's history. Called once. */
export function watchHistory() {
  window.addEventListener("popstate", ({ state }) => {
    isReturning = false;
    const depth = state?.layers ?? 0;
    for (const { onBack } of layers.splice(depth).reverse()) onBack();
    if (destination === "") return;
    const hash = destination;
    destination = "";
    setHash(hash);
  });
}

/** @param {string} hash the same one again shows its message again, which the reader may have left by scrolling */
function setHash(hash) {
  if (location.hash === hash) window.dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = hash;
}
