/**
 * The part of the stored outbox that belongs to this tab. Each message is sent by one tab: the one that wrote it, or,
 * after that one was closed, the first open tab of the same user that claims it.
 */

/** How often to look for messages of closed tabs. */
const CHECK_INTERVAL_MS = 3_000;

export class TabOutbox {
  #storage;
  #presence;
  #tab;

  /**
   * @param {object} options
   * @param {import("./outbox_storage.js").OutboxStorage} options.storage
   * @param {Pick<import("../tabs/tab_presence.js").TabPresence, "findLive">} options.presence
   * @param {string} options.tab id of this tab
   */
  constructor({ storage, presence, tab }) {
    this.#storage = storage;
    this.#presence = presence;
    this.#tab = tab;
  }

  /**
   * Claim and return the messages of closed tabs.
   *
   * @param {string} owner
   */
  async all(owner) {
    const stored = await this.#storage.all(owner);
    if (stored.every(({ tab }) => tab === this.#tab)) return [];
    return this.#storage.claim(owner, this.#tab, await this.#presence.findLive());
  }

  /**
   * Return the messages of all tabs, also of the open ones.
   *
   * @param {string} owner
   */
  ofAllTabs(owner) {
    return this.#storage.all(owner);
  }

  /** @param {import("./pending_sends.js").PendingSend} item */
  put(item) {
    return this.#storage.put({ ...item, tab: this.#tab });
  }

  /** @param {string} cid */
  remove(cid) {
    return this.#storage.remove(cid);
  }
}

/**
 * Repeat a step until it is stopped. A run that takes longer than the interval is not joined by a second one.
 *
 * @param {import("../clock.js").Clock} clock
 * @param {() => Promise<void>} step
 * @returns {{runNow(): void, stop(): void}}
 */
export function repeatCheck(clock, step) {
  let isStopped = false;
  let isRunning = false;
  let cancel = () => {};
  async function run() {
    if (isRunning || isStopped) return;
    isRunning = true;
    cancel();
    await step();
    isRunning = false;
    if (!isStopped) cancel = clock.schedule(CHECK_INTERVAL_MS, run);
  }
  cancel = clock.schedule(CHECK_INTERVAL_MS, run);
  return {
    runNow: () => void run(),
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
