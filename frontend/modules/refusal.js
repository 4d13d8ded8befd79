/**
 * What the server refused, said at the form: its own words, and for "too many attempts" a countdown,
 * during which the button rests so that impatience does not make the wait longer.
 */

import { element } from "./dom.js";
import { duration } from "./words.js";

/**
 * @param {HTMLElement} place role=alert, inside the form
 * @param {HTMLButtonElement} submit
 * @param {import("./clock.js").Clock} clock
 */
export function explain(place, submit, clock) {
  let cancel = () => {};
  const left = element("span", { "aria-live": "off" });

  function clear() {
    cancel();
    place.hidden = true;
    place.textContent = "";
    submit.disabled = false;
    for (const field of place.closest("form").querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  /** @param {Error & {status?: number, retryAfterMs?: number | null}} error */
  function show(error) {
    place.hidden = false;
    if (error.status === 429 && error.retryAfterMs) countDown(error, clock.now() + error.retryAfterMs);
    else place.textContent = error.message;
  }

  function countDown(error, until) {
    const seconds = Math.ceil((until - clock.now()) / 1000);
    if (seconds <= 0) return clear();
    submit.disabled = true;
    // Spoken once, with the first number; the countdown itself is for the eye.
    if (!place.contains(left)) place.replaceChildren(`${error.message} Try again in `, left, ".");
    left.textContent = duration(seconds);
    cancel = clock.after(1000, () => countDown(error, until));
  }

  /**
   * @param {() => Promise<void>} work
   * @param {(error: any) => void} [onRefused]
   */
  async function during(work, onRefused = () => {}) {
    if (submit.disabled) return;
    submit.disabled = true;
    submit.setAttribute("aria-busy", "true");
    try {
      await work();
      clear();
    } catch (error) {
      submit.disabled = false;
      show(error);
      onRefused(error);
    } finally {
      submit.removeAttribute("aria-busy");
    }
  }

  return { clear, show, during };
}
