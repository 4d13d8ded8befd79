/** How much is unread in all rooms, as the server counts it. */

import { CommandError } from "../../net/socket/pending_requests.js";

const DELAY_MS = 500;
const RETRY_MS = 5_000;

export class UnreadCounts {
  #connection;
  #clock;
  #onCounted;
  #cancelTimer = () => {};

  /**
   * @param {Pick<import("../room.js").RoomServices, "connection" | "clock">} services
   * @param {(rooms: import("../../net/protocol.js").UnreadCount[]) => void} onCounted
   */
  constructor({ connection, clock }, onCounted) {
    this.#connection = connection;
    this.#clock = clock;
    this.#onCounted = onCounted;
  }

  /** Load the counts once, although several rooms may need them in a row. */
  loadSoon() {
    this.#loadIn(DELAY_MS);
  }

  async load() {
    try {
      const { rooms } = await this.#connection.request({ type: "unread" });
      this.#onCounted(rooms);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (error.code !== "lost" && error.retryable) this.#loadIn(error.retryAfterMs ?? RETRY_MS);
    }
  }

  /** Load nothing later. */
  cancel() {
    this.#cancelTimer();
  }

  /** @param {number} ms */
  #loadIn(ms) {
    this.cancel();
    this.#cancelTimer = this.#clock.schedule(ms, () => this.load());
  }
}
