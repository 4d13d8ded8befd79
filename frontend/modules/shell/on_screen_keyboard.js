/**
 * Keeps the page above an on-screen keyboard. Most browsers shrink the page (`interactive-widget=resizes-content` in
 * index.html); Safari puts the keyboard over the page, and only its visual viewport becomes smaller.
 */

/** Less than any keyboard, more than a bar of the browser. */
const MIN_KEYBOARD_PX = 120;
const PROPERTY = "--visible-height";

/** @param {AbortSignal} signal */
export function fitAboveKeyboard(signal) {
  const viewport = window.visualViewport;
  if (viewport === null) return;
  const { style } = document.documentElement;

  function fit() {
    // Zoomed with two fingers, the viewport is smaller, too.
    const isCovered = viewport !== null && viewport.scale === 1 && innerHeight - viewport.height > MIN_KEYBOARD_PX;
    if (!isCovered) {
      style.removeProperty(PROPERTY);
      return;
    }
    style.setProperty(PROPERTY, `${viewport.height}px`);
    window.scrollTo(0, 0); // Safari has scrolled the page to show the caret
  }

  viewport.addEventListener("resize", fit, { signal });
  signal.addEventListener("abort", () => style.removeProperty(PROPERTY));
  fit();
}
