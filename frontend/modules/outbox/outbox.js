/**
 * Sends the messages of one room one at a time, in order, each under its cid until it is acknowledged: after a lost
 * connection or a reload the same cid is sent again, and the server accepts it once.
 *
 * @typedef {import("../net/protocol.js").Position} Position
 * @typedef {import("./pending_sends.js").PendingSend} PendingSend
 *
 * @typedef {object} OutboxListener
 * @property {() => void} onChange
 * @property {(error: Error) => void} onFailed
 */

import { Pause } from "../clock.js";
import { CommandError } from "../net/socket/pending_requests.js";
import { RetryPolicy } from "../net/retry_policy.js";
import { text as translate } from "../strings/strings.js";
import { PendingSends } from "./pending_sends.js";
import { Slowdown } from "./slowdown.js";

const MAX_PENDING = 200;
/** The server remembers a cid for 24 h. Sending it again later could duplicate a message that had arrived. */
const CID_LIFE_MS = 23 * 3_600_000;

export class OutboxFull extends Error {}

export class Outbox {
  #pending;
  #send;
  #clock;
  #isPast;
  #listener;
  #retries;
  /** Before a retry. */
  #pause;
  #slowdown = new Slowdown();
  #isOnline = false;
  #isRunning = false;

  /**
   * @param {object} options
   * @param {{owner: string, room: string}} options.scope id of the user, and the room
   * @param {Pick<import("./tab_outbox.js").TabOutbox, "put" | "remove">} options.storage
   * @param {(item: PendingSend) => Promise<Position>} options.send rejects with CommandError
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => string} options.newCid
   * @param {(position: Position) => boolean} options.isPast see Timeline
   * @param {OutboxListener} options.listener
   * @param {() => number} [options.random]
   */
  constructor({ scope, storage, send, clock, newCid, isPast, listener, random = Math.random }) {
    this.#pending = new PendingSends({ scope, storage, clock, newCid });
    this.#send = send;
    this.#clock = clock;
    this.#isPast = isPast;
    this.#listener = listener;
    this.#retries = new RetryPolicy({ random });
    this.#pause = new Pause(clock, listener.onChange);
  }

  /** @returns {readonly PendingSend[]} */
  get items() {
    return this.#pending.items;
  }

  /** @returns {boolean} whether sending is paused: there is no connection, or the next retry is not due */
  get isStalled() {
    return !this.#isOnline || this.#pause.isWaiting;
  }

  /** @returns {Map<string, number>} by cid, in about how many ms a message is sent; empty without a rate limit */
  get delays() {
    const now = this.#clock.now();
    const pending = this.items.filter(({ state }) => state === "pending");
    const delays = new Map();
    for (const [index, { cid }] of pending.entries()) {
      const delay = this.#slowdown.delay(index, now);
      if (delay !== null) delays.set(cid, delay);
    }
    return delays;
  }

  // -- What the person does --

  /**
   * Add what an earlier page or a closed tab did not send. May be called again.
   *
   * @param {PendingSend[]} stored
   */
  restore(stored) {
    if (!this.#pending.restore(stored)) return;
    this.#listener.onChange();
    this.#run();
  }

  /**
   * @param {string} text
   * @param {number | null} [replyTo] seq of the message that it answers
   * @throws {OutboxFull}
   */
  async add(text, replyTo = null) {
    if (this.items.length >= MAX_PENDING) throw new OutboxFull(translate("outbox.full"));
    const item = this.#pending.add(text, replyTo);
    this.#listener.onChange();
    await this.#pending.store(item);
    this.#run();
  }

  /**
   * Move a failed item to the end of the queue. The server refused it, so its cid is still unused.
   *
   * @param {string} cid
   */
  async retry(cid) {
    const item = this.#pending.find(cid);
    if (item === undefined) return;
    this.#pending.requeue(item);
    this.#listener.onChange();
    await this.#pending.store(item);
    this.#run();
  }

  /** @param {string} cid */
  async remove(cid) {
    this.#pending.removeIf((item) => item.cid === cid);
    this.#listener.onChange();
    await this.#pending.deleteStored(cid);
  }

  // -- What the server does --

  /** The room is joined: send. */
  connected() {
    this.#isOnline = true;
    this.#retries.reset();
    this.#pause.end();
    this.#listener.onChange();
    this.#run();
  }

  /** The connection is gone. */
  disconnected() {
    this.#isOnline = false;
    this.#slowdown.end();
    this.#pause.end();
    this.#listener.onChange();
  }

  /**
   * The event of a message arrived: the server has it, with or without an ack.
   *
   * @param {string} cid
   */
  async confirm(cid) {
    if (this.#pending.find(cid) === undefined) return;
    this.#pause.end();
    await this.remove(cid);
  }

  /** Remove acknowledged items whose event the page has seen, or will never see because of a gap. */
  removePast() {
    const isRemoved = this.#pending.removeIf(({ position }) => position !== undefined && this.#isPast(position));
    if (isRemoved) this.#listener.onChange();
  }

  // -- Internal --

  async #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let item = this.#next(); item !== undefined; item = this.#next()) await this.#try(item);
    } finally {
      this.#slowdown.end();
      this.#isRunning = false;
    }
  }

  #next() {
    return this.#isOnline ? this.items.find(({ state }) => state === "pending") : undefined;
  }

  /** @param {PendingSend} item */
  async #try(item) {
    const now = this.#clock.now();
    if (item.triedAt !== null && now - item.triedAt > CID_LIFE_MS) {
      await this.#fail(item, new Error(translate("outbox.unconfirmed")));
      return;
    }
    item.triedAt ??= now;
    // Stored before it is sent: if it were sent and then forgotten, it could not be sent again under its cid.
    await this.#pending.store(item);
    if (this.#pending.find(item.cid) === undefined) return;
    try {
      await this.#acknowledge(item, await this.#send(item));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (this.#pending.find(item.cid) === undefined) return; // its event arrived, or the person removed it
      // A mute may last for days: the person decides whether the message still makes sense then.
      if (!error.retryable || error.code === "muted") await this.#fail(item, error);
      else if (this.#isOnline) {
        const { code, retryAfterMs } = error;
        if (code === "rate_limited") this.#slowdown.refused(item.cid, this.#clock.now(), retryAfterMs ?? 0);
        await this.#waitForRetry(retryAfterMs);
      }
    }
  }

  /**
   * @param {PendingSend} item
   * @param {Position} position
   */
  async #acknowledge(item, { epoch, seq }) {
    this.#retries.reset();
    this.#slowdown.accepted(item.cid);
    if (this.#pending.find(item.cid) === undefined) return;
    Object.assign(item, { state: "sent", position: { epoch, seq } });
    this.#listener.onChange();
    this.removePast(); // a late ack may be for an event of long ago
    await this.#pending.deleteStored(item.cid);
  }

  /**
   * @param {PendingSend} item
   * @param {Error} error
   */
  async #fail(item, error) {
    Object.assign(item, { state: "failed", reason: error.message });
    this.#listener.onChange();
    this.#listener.onFailed(error);
    await this.#pending.store(item);
  }

  /** @param {number | null} retryAfterMs what the server asked for */
  async #waitForRetry(retryAfterMs) {
    await this.#pause.wait(this.#retries.delay(this.#clock.now(), { retryAfterMs }));
  }
}
