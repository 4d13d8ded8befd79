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
