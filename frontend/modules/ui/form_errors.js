/**
 * What the server refused, said at the form: its own words, and for "too many attempts" a countdown,
 * during which the button rests so that impatience does not make the wait longer.
 */

import { element } from "./dom.js";
import { Overtaken } from "./session.js";
import { duration } from "./words.js";

/**
 * @param {HTMLElement} place role=alert, inside the form
 * @param {HTMLButtonElement} submit
 * @param {import("./clock.js").Clock} clock
 */
export function explain(place, submit, clock) {
  let cancel = () => {};
  let busy = false;
  const left = element("span", { "aria-live": "off" });

  function clear() {
    cancel();
    place.hidden = true;
    place.textContent = "";
    submit.disabled = busy; // who goes on in the form meanwhile must not be able to send it twice
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
    // A disabled button loses the focus, and Tab would begin at the top of the page.
    const pressed = document.activeElement === submit;
    busy = true;
    submit.disabled = true;
    submit.setAttribute("aria-busy", "true");
    const refused = await work().then(() => null, (error) => error);
    busy = false;
    submit.disabled = false;
    submit.removeAttribute("aria-busy");
    if (refused === null) return clear();
    if (refused instanceof Overtaken) return;
    if (pressed && document.activeElement === document.body) submit.focus();
    show(refused);
    onRefused(refused);
  }

  return { clear, show, during };
}
