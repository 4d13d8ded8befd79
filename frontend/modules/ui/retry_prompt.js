/** The page's first steps: what fails for a moment is said, and tried again when the person asks or the network is back. */

import { byId } from "./dom.js";
import { SessionEnded } from "./session.js";

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {SessionEnded} no trying again helps
 */
export async function untilItWorks(work) {
  const [text, again] = [byId("loading-text"), byId("loading-again")];
  const opening = text.textContent;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SessionEnded) throw error;
      text.textContent = error.message;
    }
    again.hidden = false;
    await new Promise((resolve) => {
      again.addEventListener("click", resolve, { once: true });
      window.addEventListener("online", resolve, { once: true });
    });
    again.hidden = true;
    text.textContent = opening;
  }
}
