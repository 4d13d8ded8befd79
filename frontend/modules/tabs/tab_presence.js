/**
 * Which tabs of this browser are open: every tab answers the question of another one. A tab that was closed or crashed
 * does not, and its unsent messages are sent by a tab that is still open.
 *
 * @typedef {Pick<BroadcastChannel, "postMessage" | "close"> & {onmessage: ((event: MessageEvent) => void) | null}} Channel
 */

import { sleep } from "../clock.js";

const CHANNEL = "cloudchat.tabs";
/**
 * A tab answers within milliseconds, also in the background. If one is too busy to answer, its messages are sent twice
 * under the same cid, and the server accepts each once.
 */
const ANSWER_MS = 500;

export class TabPresence {
  #id;
  #clock;
  #channel;
  /** @type {Set<string>} */
  #answers = new Set();

  /**
   * @param {object} options
   * @param {string} options.id of this tab
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => void} options.onLeft another tab is being closed
   * @param {Channel} [options.channel]
   */
  constructor({ id, clock, onLeft, channel = new BroadcastChannel(CHANNEL) }) {
    this.#id = id;
    this.#clock = clock;
    this.#channel = channel;
    channel.onmessage = ({ data }) => {
      if (data.type === "ask") channel.postMessage({ type: "here", tab: id });
      else if (data.type === "here") this.#answers.add(data.tab);
      else if (data.type === "left") onLeft();
    };
  }

  /** @returns {Promise<Set<string>>} the ids of the open tabs, with this one */
  async findLive() {
    this.#answers = new Set([this.#id]);
    this.#channel.postMessage({ type: "ask" });
    await sleep(this.#clock, ANSWER_MS);
    return this.#answers;
  }

  /** Tell the other tabs that this one is being closed. */
  leave() {
    this.#channel.postMessage({ type: "left" });
  }

  close() {
    this.leave();
    this.#channel.close();
  }
}
