/**
 * Messages of one room that the server has not confirmed yet. They are sent one at a time, in order, each under its cid until it is
 * acknowledged: after a lost connection or a reload the same cid is sent again, and the server accepts it once.
 *
 * The properties are also the shape of the items in IndexedDB.
 *
 * @typedef {import("../net/protocol.js").Position} Position
 *
 * @typedef {object} PendingSend
 * @property {string} cid
 * @property {string} owner id of the user who wrote it; no other user ever sends or sees it
 * @property {string} [tab] stored: the tab that sends it, see TabOutbox
 * @property {string} room
 * @property {string} text
 * @property {number | null} [replyTo] seq of the message that it answers
 * @property {number} order
 * @property {number | null} triedAt when it was first sent, milliseconds since 1970
 * @property {"pending" | "sent" | "failed"} state sent: acknowledged, and its event has not arrived yet
 * @property {string} [reason] failed: why, for the person
 * @property {Position} [position] sent: where it is in the log; never stored
 *
 * @typedef {object} OutboxListener
 * @property {() => void} onChange
 * @property {(error: Error) => void} onFailed
 */

import { CommandError } from "../net/pending_requests.js";
import { RetryPolicy } from "../net/retry_policy.js";
import { text as translate } from "../strings/strings.js";

const MAX_PENDING = 200;
/** The server remembers a cid for 24 h. Sending it again later could duplicate a message that had arrived. */
const CID_LIFE_MS = 23 * 3_600_000;

export class OutboxFull extends Error {}

export class Outbox {
  #storage;
  #send;
  #clock;
  #newCid;
  #isPast;
  #listener;
  #retries;
  /** @type {PendingSend[]} in order */
  #items = [];
  #owner;
  #room;
  #isOnline = false;
  #isRunning = false;
  /** @type {(() => void) | null} ends the pause before a retry */
  #wake = null;

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
    this.#owner = scope.owner;
    this.#room = scope.room;
    this.#storage = storage;
    this.#send = send;
    this.#clock = clock;
    this.#newCid = newCid;
    this.#isPast = isPast;
    this.#listener = listener;
    this.#retries = new RetryPolicy({ random });
  }

  /** @returns {readonly PendingSend[]} */
  get items() {
    return this.#items;
  }

  /** @returns {boolean} whether sending is paused: there is no connection, or the next retry is not due */
  get isStalled() {
    return !this.#isOnline || this.#wake !== null;
  }

  // -- What the person does --

  /**
   * Add what an earlier page or a closed tab did not send. May be called again. The disk may be slow: a message written
   * meanwhile is in the list already, and perhaps on disk too.
   *
   * @param {PendingSend[]} stored
   */
  restore(stored) {
    const earlier = stored.filter(({ cid }) => this.#find(cid) === undefined);
    if (earlier.length === 0) return;
    this.#items = [...earlier, ...this.#items].sort((a, b) => a.order - b.order);
    this.#listener.onChange();
    this.#run();
  }

  /**
   * @param {string} text
   * @param {number | null} [replyTo] seq of the message that it answers
   * @throws {OutboxFull}
   */
  async add(text, replyTo = null) {
    if (this.#items.length >= MAX_PENDING) throw new OutboxFull(translate("outbox.full"));
    const item = this.#createItem(text, replyTo);
    this.#items.push(item);
    this.#listener.onChange();
    await this.#store(item);
    this.#run();
  }

  /**
   * Move a failed item to the end of the queue. The server refused it, so its cid is still unused.
   *
   * @param {string} cid
   */
  async retry(cid) {
    const item = this.#find(cid);
    if (item === undefined) return;
    Object.assign(item, { state: "pending", reason: undefined, triedAt: null, order: this.#nextOrder() });
    this.#items.sort((a, b) => a.order - b.order);
    this.#listener.onChange();
    await this.#store(item);
    this.#run();
  }

  /** @param {string} cid */
  async remove(cid) {
    this.#items = this.#items.filter((item) => item.cid !== cid);
    this.#listener.onChange();
    await this.#deleteStored(cid);
  }

  // -- What the server does --

  /** The room is joined: send. */
  connected() {
    this.#isOnline = true;
    this.#retries.reset();
    this.#wake?.();
    this.#listener.onChange();
    this.#run();
  }

  /** The connection is gone. */
  disconnected() {
    this.#isOnline = false;
    this.#wake?.();
    this.#listener.onChange();
  }

  /**
   * The event of a message arrived: the server has it, with or without an ack.
   *
   * @param {string} cid
   */
  async confirm(cid) {
    if (this.#find(cid) === undefined) return;
    this.#wake?.();
    await this.remove(cid);
  }

  /** Remove acknowledged items whose event the page has seen, or will never see because of a gap. */
  removePast() {
    const before = this.#items.length;
    this.#items = this.#items.filter(({ position }) => position === undefined || !this.#isPast(position));
    if (this.#items.length !== before) this.#listener.onChange();
  }

  // -- Internal --

  async #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let item = this.#next(); item !== undefined; item = this.#next()) await this.#try(item);
    } finally {
      this.#isRunning = false;
    }
  }

  #next() {
    return this.#isOnline ? this.#items.find(({ state }) => state === "pending") : undefined;
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
    await this.#store(item);
    if (this.#find(item.cid) === undefined) return;
    try {
      await this.#acknowledge(item, await this.#send(item));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (this.#find(item.cid) === undefined) return; // its event arrived, or the person removed it
      if (!error.retryable) await this.#fail(item, error);
      else if (this.#isOnline) await this.#sleep(error.retryAfterMs);
    }
  }

  /**
   * @param {PendingSend} item
   * @param {Position} position
   */
  async #acknowledge(item, { epoch, seq }) {
    this.#retries.reset();
    if (this.#find(item.cid) === undefined) return;
    Object.assign(item, { state: "sent", position: { epoch, seq } });
    this.#listener.onChange();
    this.removePast(); // a late ack may be for an event of long ago
    await this.#deleteStored(item.cid);
  }

  /**
   * @param {PendingSend} item
   * @param {Error} error
   */
  async #fail(item, error) {
    Object.assign(item, { state: "failed", reason: error.message });
    this.#listener.onChange();
    this.#listener.onFailed(error);
    await this.#store(item);
  }

  /**
   * If the disk fails, the message does not survive a reload, but it is sent all the same.
   *
   * @param {PendingSend} item
   */
  async #store(item) {
    await this.#storage
      .put({ ...item })
      .catch((error) => console.warn("An unsent message could not be stored.", error));
  }

  /**
   * If this fails, the message is sent again after a reload under its cid, which the server knows.
   *
   * @param {string} cid
   */
  async #deleteStored(cid) {
    await this.#storage
      .remove(cid)
      .catch((error) => console.warn("A sent message could not be deleted from the outbox.", error));
  }

  /**
   * Wait before a retry.
   *
   * @param {number | null} ms what the server asked for
   * @returns {Promise<void>}
   */
  async #sleep(ms) {
    await new Promise((resolve) => {
      const delayMs = this.#retries.delay(this.#clock.now(), { retryAfterMs: ms });
      const cancel = this.#clock.schedule(delayMs, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = null;
        cancel();
        resolve(undefined);
        this.#listener.onChange();
      };
      this.#listener.onChange();
    });
  }

  /**
   * @param {string} text
   * @param {number | null} replyTo
   * @returns {PendingSend}
   */
  #createItem(text, replyTo) {
    const identity = { cid: this.#newCid(), owner: this.#owner, room: this.#room, order: this.#nextOrder() };
    return { ...identity, text, replyTo, triedAt: null, state: "pending" };
  }

  #nextOrder() {
    return Math.max(this.#clock.now(), (this.#items.at(-1)?.order ?? 0) + 1);
  }

  /** @param {string} cid */
  #find(cid) {
    return this.#items.find((item) => item.cid === cid);
  }
}
