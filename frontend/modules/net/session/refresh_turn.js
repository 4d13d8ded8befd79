/** Each use rotates the refresh token, so the tabs of a browser take turns. */

import { withTimeout } from "../../clock.js";

const LOCK = "cloudchat.refresh";
/**
 * How long to wait for another tab's refresh, which ends within 8 s. A tab that holds the lock for longer hangs: continue
 * without the lock, because the server handles two refreshes at once.
 */
const TIMEOUT_MS = 10_000;

/**
 * Run a refresh when no other tab runs one.
 *
 * @template T
 * @param {Pick<LockManager, "request"> | null | undefined} locks missing over plain http: tabs do not take turns
 * @param {import("../../clock.js").Clock} clock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function takeTurn(locks, clock, work) {
  if (!locks) return work();
  const waiting = new AbortController();
  let release = () => {};
  /** @type {Promise<void>} */
  const turn = new Promise((resolve, reject) => {
    const hold = () => {
      resolve();
      return new Promise((done) => {
        release = () => done(undefined);
      });
    };
    // Rejects when it is aborted, or if the browser refuses locks here.
    locks.request(LOCK, { signal: waiting.signal }, hold).catch(reject);
  });
  await withTimeout(clock, TIMEOUT_MS, turn).catch((error) => {
    waiting.abort();
    console.warn("Another tab does not finish its refresh: continuing without the lock.", error);
  });
  try {
    return await work();
  } finally {
    release();
  }
}
