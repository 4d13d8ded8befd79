/**
 * Up to where the user has read a room. The marker moves at once here, and at most once per second on the server, which
 * tells the user's other connections.
 */

import { CommandError } from "../../net/socket/pending_requests.js";

const INTERVAL_MS = 1_000;

export class ReadMarker {
  #room;
  #connection;
  #clock;
  #seq;
  /** What the server knows. */
  #savedSeq;
  #isSaving = false;

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {number} options.seq
   * @param {Pick<import("../../tabs/shared_connection.js").SharedConnection, "request">} options.connection
   * @param {import("../../clock.js").Clock} options.clock
   */
  constructor({ room, seq, connection, clock }) {
    this.#room = room;
    this.#seq = seq;
    this.#savedSeq = seq;
    this.#connection = connection;
    this.#clock = clock;
  }

  get seq() {
    return this.#seq;
  }

  /**
   * The user has seen the room up to here.
   *
   * @param {number} seq
   * @returns {boolean} whether the marker moved
   */
  advance(seq) {
    if (seq <= this.#seq) return false;
    this.#seq = seq;
    this.save();
    return true;
  }

  /**
   * The server says where the marker is, for example because the user has read in another tab.
   *
   * @param {number} seq
   * @returns {boolean} whether the marker moved
   */
  receive(seq) {
    // An earlier page may have been closed before it saved the marker.
    this.#savedSeq = seq < this.#seq ? Math.min(this.#savedSeq, seq) : seq;
    if (seq <= this.#seq) return false;
    this.#seq = seq;
    return true;
  }

  /** Send the marker, if the server does not know it. After a lost connection, the next one sends it again. */
  async save() {
    if (this.#isSaving || this.#seq <= this.#savedSeq) return;
    this.#isSaving = true;
    const seq = this.#seq;
    try {
      await this.#connection.request({ type: "read", room: this.#room, seq });
      this.#savedSeq = Math.max(this.#savedSeq, seq);
      this.#clock.schedule(INTERVAL_MS, () => this.#continue());
    } catch (error) {
      this.#isSaving = false;
      if (!(error instanceof CommandError)) throw error;
    }
  }

  #continue() {
    this.#isSaving = false;
    this.save();
  }
}
