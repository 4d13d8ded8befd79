/**
 * One search after the other while the person types: sends the newest one, discards answers to earlier ones, loads
 * further pages, and waits as long as the server asks. No DOM.
 *
 * @typedef {import("../rooms/room_api.js").SearchHit} SearchHit
 * @typedef {import("./search_filters.js").SearchFilters} SearchFilters
 *
 * @typedef {object} SearchState replaced, never changed in place
 * @property {"idle" | "searching" | "found" | "failed" | "waiting"} phase idle: nothing to search for. waiting: the server
 *   asked for a pause, and the search is repeated after it
 * @property {readonly SearchHit[]} hits the newest first
 * @property {string | null} next cursor of the next page
 * @property {Error | null} error failed, waiting: why
 * @property {number} waitSeconds waiting: how long still
 */

import { ApiError } from "../net/http/api.js";
import { StaleRequest } from "../net/session/session.js";
import { NO_FILTERS, searchParameters } from "./search_filters.js";

/** After the last key. Longer than in lists of names: a search reads much more. */
const DELAY_MS = 300;
/** @type {SearchState} */
const IDLE = { phase: "idle", hits: [], next: null, error: null, waitSeconds: 0 };

export class MessageSearch {
  #load;
  #clock;
  #onChange;
  #state = IDLE;
  #filters = NO_FILTERS;
  /** Cursor of the last request: what is repeated after an error. */
  #cursor = /** @type {string | null} */ (null);
  /** Counts requests: the answer to an earlier one is discarded. */
  #generation = 0;
  #waitUntil = -Infinity;
  #cancelTimer = () => {};

  /**
   * @param {object} options
   * @param {(parameters: URLSearchParams) => Promise<{hits: SearchHit[], next: string | null}>} options.load
   * @param {import("../clock.js").Clock} options.clock
   * @param {(state: SearchState) => void} options.onChange
   */
  constructor({ load, clock, onChange }) {
    this.#load = load;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /**
   * Search for this soon: the person may still be typing.
   *
   * @param {SearchFilters} filters
   */
  schedule(filters) {
    this.#begin(filters);
    if (filters.words.trim() === "") this.#set(IDLE);
    else this.#cancelTimer = this.#clock.schedule(DELAY_MS, () => this.#request(null));
  }

  /**
   * Search for this now.
   *
   * @param {SearchFilters} filters
   */
  search(filters) {
    this.#begin(filters);
    if (filters.words.trim() === "") this.#set(IDLE);
    else this.#request(null);
  }

  loadMore() {
    if (this.#state.phase === "found" && this.#state.next !== null) this.#request(this.#state.next);
  }

  /** Repeat the request that failed. */
  retry() {
    if (this.#state.phase === "failed") this.#request(this.#cursor);
  }

  close() {
    this.#generation += 1;
    this.#cancelTimer();
  }

  // -- Internal --

  /** @param {SearchFilters} filters */
  #begin(filters) {
    this.close();
    this.#filters = filters;
  }

  /** @param {string | null} cursor */
  async #request(cursor) {
    this.close();
    this.#cursor = cursor;
    const generation = this.#generation;
    const shown = cursor === null ? [] : this.#state.hits;
    if (this.#state.error !== null && this.#clock.now() < this.#waitUntil) {
      this.#wait({ ...this.#state, hits: shown });
      return;
    }
    this.#set({ ...this.#state, phase: "searching", error: null });
    try {
      const { hits, next } = await this.#load(searchParameters(this.#filters, cursor));
      if (generation === this.#generation) this.#set({ ...IDLE, phase: "found", hits: [...shown, ...hits], next });
    } catch (error) {
      if (generation !== this.#generation || error instanceof StaleRequest) return;
      if (!(error instanceof Error)) throw error;
      const failed = { ...this.#state, hits: shown, error };
      if (error instanceof ApiError && error.retryAfterMs) {
        this.#waitUntil = this.#clock.now() + error.retryAfterMs;
        this.#wait(failed);
      } else this.#set({ ...failed, phase: "failed" });
    }
  }

  /** @param {SearchState} state */
  #wait(state) {
    const waitMs = this.#waitUntil - this.#clock.now();
    if (waitMs <= 0) {
      this.#request(this.#cursor);
      return;
    }
    this.#set({ ...state, phase: "waiting", waitSeconds: Math.ceil(waitMs / 1000) });
    this.#cancelTimer = this.#clock.schedule(Math.min(1000, waitMs), () => this.#wait(state));
  }

  /** @param {SearchState} state */
  #set(state) {
    this.#state = state;
    this.#onChange(state);
  }
}
