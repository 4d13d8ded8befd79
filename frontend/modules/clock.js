/**
 * The current time and timers, passed as an argument so that tests can advance time without waiting.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970; wall-clock time also advances while a laptop sleeps
 * @property {(ms: number, callback: () => void) => (() => void)} schedule calls back once; returns a cancel function
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  schedule(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * @param {Clock} clock
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function sleep(clock, ms) {
  return new Promise((resolve) => {
    clock.schedule(ms, resolve);
  });
}

/** What a step waited for did not happen in time. */
export class TimedOut extends Error {}

/**
 * Wait for a step, but not for ever. The step itself may go on.
 *
 * @template T
 * @param {Clock} clock
 * @param {number} ms
 * @param {Promise<T>} step
 * @returns {Promise<T>} rejects with TimedOut
 */
export function withTimeout(clock, ms, step) {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(ms, () => reject(new TimedOut(`no answer within ${ms / 1000} s`)));
    step.then(resolve, reject).finally(cancel);
  });
}

/** A wait that can be ended early. */
export class Pause {
  #clock;
  #onChange;
  /** @type {(() => void) | null} null: nothing waits */
  #end = null;

  /**
   * @param {Clock} clock
   * @param {() => void} onChange a wait has begun or ended
   */
  constructor(clock, onChange) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** @returns {boolean} */
  get isWaiting() {
    return this.#end !== null;
  }

  /**
   * @param {number} ms
   * @returns {Promise<void>}
   */
  async wait(ms) {
    await new Promise((resolve) => {
      const cancel = this.#clock.schedule(ms, () => this.end());
      this.#end = () => {
        cancel();
        resolve(undefined);
      };
      this.#onChange();
    });
  }

  end() {
    if (this.#end === null) return;
    const end = this.#end;
    this.#end = null;
    end();
    this.#onChange();
  }
}
