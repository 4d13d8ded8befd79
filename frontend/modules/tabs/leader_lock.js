/** The Web Lock of the tab that has the socket. The browser gives it to the next tab when that one is closed or crashes. */

export class LeaderLock {
  #locks;
  #name;
  #listener;
  #isHeld = false;
  #release = () => {};
  #abort = new AbortController();

  /**
   * @param {import("./tab_channel.js").Sharing["locks"]} locks null (plain http): each tab leads
   * @param {string} name
   * @param {{onAcquired: () => void, onLost: () => void}} listener lost: another tab has stolen it
   */
  constructor(locks, name, listener) {
    this.#locks = locks;
    this.#name = name;
    this.#listener = listener;
  }

  /** Acquire the lock once no other tab has it. */
  wait() {
    if (this.#locks === null) this.#listener.onAcquired();
    else this.#request({ signal: this.#abort.signal });
  }

  /** Acquire the lock now: the tab that has it hangs. */
  steal() {
    this.#request({ steal: true });
  }

  /** Release the lock, and do not wait for it any more. */
  close() {
    this.#abort.abort();
    this.#release();
  }

  /** @param {LockOptions} options */
  async #request(options) {
    try {
      await this.#locks?.request(this.#name, options, () => {
        if (this.#abort.signal.aborted || this.#isHeld) return undefined;
        this.#isHeld = true;
        this.#listener.onAcquired();
        return new Promise((resolve) => {
          this.#release = () => resolve(undefined);
        });
      });
    } catch {
      // Aborted by `close`; or another tab has stolen the lock, because this one was frozen.
      this.#isHeld = false;
      if (!this.#abort.signal.aborted) this.#listener.onLost();
    }
  }
}
