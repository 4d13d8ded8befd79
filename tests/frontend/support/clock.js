/** A clock that a test advances, for everything that takes a `Clock`. */

/** Let everything run that waits only for its turn. */
export function settle() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export class FakeClock {
  #now = 1_000_000;
  #timers = new Set();

  now = () => this.#now;

  schedule = (ms, callback) => {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Move the time without running timers, as a laptop does that wakes up. */
  jump(ms) {
    this.#now += ms;
  }

  /** Move the time and run the timers that become due, in order. */
  async advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }
}
