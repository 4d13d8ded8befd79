/**
 * Commands that wait for their reply. A reply carries the id of its command. When the connection is lost, all of them
 * are rejected, because their replies can no longer arrive.
 *
 * @typedef {object} PendingRequest
 * @property {(reply: import("../protocol.js").Reply) => void} resolve
 * @property {(error: CommandError) => void} reject
 * @property {() => void} cancelTimeout
 */

import { serverErrorText } from "../../error_text.js";
import { text } from "../../strings/strings.js";

/** The server's `error` frame, or that there was no reply at all. */
export class CommandError extends Error {
  /** @param {Omit<import("../protocol.js").ErrorFrame, "type" | "id">} details */
  constructor({ code, message, retryable, retry_after_ms: retryAfterMs }) {
    super(serverErrorText({ code, message }) ?? message);
    this.name = "CommandError";
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs ?? null;
  }
}

/**
 * @param {"lost" | "timeout"} code
 * @returns {CommandError}
 */
export function noReply(code) {
  return new CommandError({ code, message: text("error.no_answer"), retryable: true });
}

export class PendingRequests {
  #clock;
  #nextId = 1;
  /** @type {Map<string, PendingRequest>} */
  #requests = new Map();

  /** @param {import("../../clock.js").Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /**
   * Register a command.
   *
   * @param {number} timeoutMs
   * @param {string} [prefix] of the id
   * @returns {{id: string, reply: Promise<import("../protocol.js").Reply>}} the reply rejects with CommandError
   */
  add(timeoutMs, prefix = "") {
    const id = `${prefix}${this.#nextId++}`;
    /** @type {Promise<import("../protocol.js").Reply>} */
    const reply = new Promise((resolve, reject) => {
      const cancelTimeout = this.#clock.schedule(timeoutMs, () => {
        this.#requests.delete(id);
        reject(noReply("timeout"));
      });
      this.#requests.set(id, { resolve, reject, cancelTimeout });
    });
    return { id, reply };
  }

  /**
   * Resolve or reject the command that a frame replies to. Other frames are ignored.
   *
   * @param {import("../protocol.js").ServerFrame} frame
   */
  settle(frame) {
    if (frame.type === "error" && frame.id === undefined) {
      this.#rejectUnnamed(frame);
      return;
    }
    if (!("id" in frame) || frame.id === undefined) return;
    const request = this.#requests.get(frame.id);
    if (request === undefined) return;
    this.#requests.delete(frame.id);
    request.cancelTimeout();
    if (frame.type === "error") request.reject(new CommandError(frame));
    else request.resolve(frame);
  }

  /** Reject all commands: the connection is lost. */
  rejectAll() {
    this.#rejectEach(() => noReply("lost"));
  }

  // -- Internal --

  /**
   * The server refused a command without its id, for example because it was not read at all. To repeat a command is
   * harmless: if one of several waits, any of them may be meant, so all of them count as not answered.
   *
   * @param {import("../protocol.js").ErrorFrame} error
   */
  #rejectUnnamed(error) {
    const retryable = error.retryable || this.#requests.size > 1;
    this.#rejectEach(() => new CommandError({ ...error, retryable }));
  }

  /** @param {() => CommandError} newError */
  #rejectEach(newError) {
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const { reject, cancelTimeout } of requests) {
      cancelTimeout();
      reject(newError());
    }
  }
}
