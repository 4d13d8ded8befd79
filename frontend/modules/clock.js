/**
 * Time as an argument. Everything that waits takes a clock, so that its rules can be tested without waiting.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970; wall time, because it goes on while a laptop sleeps
 * @property {(ms: number, callback: () => void) => (() => void)} after calls back once; returns its cancel
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
