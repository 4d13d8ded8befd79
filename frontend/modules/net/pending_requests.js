/**
 * Commands that wait for their reply. A reply carries its command's id; a lost connection ends the wait
 * of all of them, so that no caller waits for an answer that can't come any more.
 */

import { sentence } from "./words.js";

/** The server's `error` frame, or the lack of any answer, as something to throw. */
export class CommandError extends Error {
  /**
   * @param {{code: string, message: string, retryable: boolean, retry_after_ms?: number}} details
   */
  constructor({ code, message, retryable, retry_after_ms: retryAfterMs }) {
    super(sentence(message));
    this.name = "CommandError";
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs ?? null;
  }
}

/** @param {"lost" | "timeout"} code */
export function noAnswer(code) {
  return new CommandError({ code, message: "The server did not answer.", retryable: true });
}

export class Replies {
  #clock;
  #next = 1;
  /** @type {Map<string, {resolve: (frame: object) => void, reject: (error: Error) => void, cancel: () => void}>} */
  #waiting = new Map();

  /** @param {import("./clock.js").Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /**
   * @param {number} timeoutMs
   * @returns {{id: string, reply: Promise<any>}} the reply rejects with CommandError
   */
  expect(timeoutMs) {
    const id = String(this.#next++);
    const reply = new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(id);
        reject(noAnswer("timeout"));
      });
      this.#waiting.set(id, { resolve, reject, cancel });
    });
    return { id, reply };
  }

  /** @param {{id?: string, type: string}} frame any frame; those that answer nothing are ignored */
  settle(frame) {
    const waiting = frame.id === undefined ? undefined : this.#waiting.get(frame.id);
    if (waiting === undefined) return;
    this.#waiting.delete(frame.id);
    waiting.cancel();
    if (frame.type === "error") waiting.reject(new CommandError(/** @type {any} */ (frame)));
    else waiting.resolve(frame);
  }

  /** The connection is gone. */
  abandon() {
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject, cancel } of lost) {
      cancel();
      reject(noAnswer("lost"));
    }
  }
}
