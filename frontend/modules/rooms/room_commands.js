/** Commands that change a message. Each is repeated under its cid, which the server accepts once. */

import { sleep } from "../clock.js";
import { CommandError } from "../net/socket/pending_requests.js";

const MAX_ATTEMPTS = 3;
const RETRY_MS = 700;
const TYPING_INTERVAL_MS = 3_000;

export class RoomCommands {
  #room;
  #connection;
  #clock;
  #newCid;
  #typedAt = -Infinity;

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {Pick<import("../tabs/shared_connection.js").SharedConnection, "request" | "notify">} options.connection
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => string} options.newCid
   */
  constructor({ room, connection, clock, newCid }) {
    this.#room = room;
    this.#connection = connection;
    this.#clock = clock;
    this.#newCid = newCid;
  }

  /**
   * @param {number} seq
   * @param {string} text
   */
  async edit(seq, text) {
    await this.#repeat({ type: "edit", ...this.#target(seq), text });
  }

  /** @param {number} seq */
  async remove(seq) {
    await this.#repeat({ type: "delete", ...this.#target(seq) });
  }

  /**
   * @param {number} seq
   * @param {string} emoji
   * @param {boolean} on
   */
  async react(seq, emoji, on) {
    await this.#repeat({ type: "react", ...this.#target(seq), emoji, on });
  }

  /** The user is typing. Sent at most as often as the server passes it on. */
  typing() {
    const now = this.#clock.now();
    if (now - this.#typedAt < TYPING_INTERVAL_MS) return;
    this.#typedAt = now;
    this.#connection.notify({ type: "typing", room: this.#room });
  }

  /** The message was sent: the next key is a new one. */
  stopTyping() {
    this.#typedAt = -Infinity;
  }

  /** @param {number} seq */
  #target(seq) {
    return { room: this.#room, cid: this.#newCid(), seq };
  }

  /** @param {import("../net/protocol.js").EditCommand | import("../net/protocol.js").DeleteCommand | import("../net/protocol.js").ReactCommand} command */
  async #repeat(command) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#connection.request(command);
      } catch (error) {
        if (!(error instanceof CommandError) || !error.retryable || attempt === MAX_ATTEMPTS) throw error;
        await sleep(this.#clock, error.retryAfterMs ?? RETRY_MS * attempt);
      }
    }
  }
}
