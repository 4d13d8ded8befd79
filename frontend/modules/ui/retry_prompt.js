/**
 * The first steps of the page: an error is shown, and the step is retried when the person asks or the network is back.
 */

import { messageOf } from "../error_text.js";
import { SessionEnded } from "../net/session/session.js";
import { byId } from "./dom.js";

/**
 * Run a step until it succeeds.
 *
 * @template T
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 * @throws {SessionEnded} because a retry cannot succeed
 */
export async function retryUntilSuccess(step) {
  const [text, retry] = [byId("loading-text"), byId("loading-retry")];
  const progress = text.textContent;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (error instanceof SessionEnded || !(error instanceof Error)) throw error;
      text.textContent = messageOf(error);
    }
    retry.hidden = false;
    await new Promise((resolve) => {
      retry.addEventListener("click", resolve, { once: true });
      window.addEventListener("online", resolve, { once: true });
    });
    retry.hidden = true;
    text.textContent = progress;
  }
}
