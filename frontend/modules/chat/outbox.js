/**
 * What was written and is not yet stored by the server. Items go out one at a time, in order, each under
 * its cid until it is acknowledged: after a lost connection or a reload the same cid goes again, and the
 * server counts it once.
 *
 * @typedef {object} OutboxItem
 * @property {string} cid
 * @property {string} owner id of the user who wrote it; nobody else ever sends or sees it
 * @property {string} room
 * @property {string} text
 * @property {number} order
 * @property {number | null} triedAt when it first went out, milliseconds
 * @property {"pending" | "sent" | "failed"} state sent: acknowledged, its event has not come yet
 * @property {string} [reason] why it failed, for the person
 * @property {{epoch: string, seq: number}} [place] once it is acknowledged
 */

import { fullJitter } from "./reconnect_policy.js";

const CAPACITY = 200;
/** The server remembers a cid for 24 h. Later, sending again could double what did arrive. */
const CID_LIFE_MS = 23 * 3_600_000;
const FULL = "Too many messages are not sent yet. Wait until some are, or remove those that failed.";
const UNCLEAR = "It is not known whether this was sent before the connection was lost.";

export class OutboxFull extends Error {}

export class Outbox {
  #storage;
  #send;
  #clock;
  #newCid;
  #random;
  #isPast;
  #onChange;
  #onFailed;
  /** @type {OutboxItem[]} in order */
  #items = [];
  #owner = "";
  #online = false;
  #running = false;
  #attempt = 0;
  /** @type {(() => void) | null} ends the wait before a retry */
  #wake = null;

  /**
   * @param {object} options
   * @param {{all(owner: string): Promise<OutboxItem[]>, put(item: OutboxItem): Promise<void>, remove(cid: string): Promise<void>}} options.storage
   * @param {(item: OutboxItem) => Promise<{epoch: string, seq: number}>} options.send rejects with CommandError
   * @param {import("./clock.js").Clock} options.clock
   * @param {() => string} options.newCid
   * @param {(place: {epoch: string, seq: number}) => boolean} options.isPast whether the page has seen the event there
   * @param {() => void} options.onChange
   * @param {(reason: string) => void} options.onFailed
   * @param {() => number} [options.random]
   */
  constructor({ storage, send, clock, newCid, isPast, onChange, onFailed, random = Math.random }) {
    this.#storage = storage;
    this.#send = send;
    this.#clock = clock;
    this.#newCid = newCid;
    this.#isPast = isPast;
    this.#onChange = onChange;
    this.#onFailed = onFailed;
    this.#random = random;
  }

  /** @returns {readonly OutboxItem[]} */
  get items() {
    return this.#items;
  }

  /** @returns {boolean} whether waiting items wait for something other than their turn */
  get stalled() {
    return !this.#online || this.#wake !== null;
  }

  /** Takes up what an earlier page left behind. @param {string} owner */
  async load(owner) {
    this.#owner = owner;
    const found = await this.#storage.all(owner).catch(() => []);
    // The disk may be slow: what was written meanwhile is in the list already, and perhaps on disk, too.
    const earlier = found.filter(({ cid }) => this.#find(cid) === undefined);
    this.#items = [...earlier.sort((a, b) => a.order - b.order), ...this.#items];
    this.#onChange();
  }

  /**
   * @param {string} room
   * @param {string} text
   * @throws {OutboxFull} when too much waits already
   */
  async add(room, text) {
    if (this.#items.length >= CAPACITY) throw new OutboxFull(FULL);
    const item = this.#written(room, text);
    this.#items.push(item);
    this.#onChange();
    await this.#keep(item);
    this.#run();
  }

  /** A failed item goes to the end of the queue. It was refused, so its cid is still unused. */
  async retry(cid) {
    const item = this.#find(cid);
    if (item === undefined) return;
    Object.assign(item, { state: "pending", reason: undefined, triedAt: null, order: this.#nextOrder() });
    this.#items.sort((a, b) => a.order - b.order);
    this.#onChange();
    await this.#keep(item);
    this.#run();
  }

  /** @param {string} cid */
  async remove(cid) {
    this.#items = this.#items.filter((item) => item.cid !== cid);
    this.#onChange();
    await this.#drop(cid);
  }

  /** The room is joined: whatever waits goes out. */
  resume() {
    this.#online = true;
    this.#attempt = 0;
    this.#wake?.();
    this.#onChange();
    this.#run();
  }

  pause() {
    this.#online = false;
    this.#wake?.();
    this.#onChange();
  }

  /** A message event came. The server has it, whether or not the ack arrived. */
  async seen(cid) {
    if (this.#find(cid) === undefined) return;
    this.#wake?.();
    await this.remove(cid);
  }

  /** Drops acknowledged items whose events the page has seen, or will never see because of a gap. */
  settle() {
    const before = this.#items.length;
    this.#items = this.#items.filter((item) => item.state !== "sent" || !this.#isPast(item.place));
    if (this.#items.length !== before) this.#onChange();
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let item = this.#next(); item !== undefined; item = this.#next()) await this.#try(item);
    } finally {
      this.#running = false;
    }
  }

  #next() {
    return this.#online ? this.#items.find((item) => item.state === "pending") : undefined;
  }

  async #try(item) {
    const now = this.#clock.now();
    if (item.triedAt !== null && now - item.triedAt > CID_LIFE_MS) return this.#fail(item, UNCLEAR);
    item.triedAt ??= now;
    // Stored before it goes out: what was sent and then forgotten could never be sent again under its cid.
    await this.#keep(item);
    if (this.#find(item.cid) === undefined) return undefined;
    try {
      await this.#acknowledged(item, await this.#send(item));
    } catch (error) {
      if (this.#find(item.cid) === undefined) return undefined; // its event came, or the person removed it
      if (!error.retryable) return this.#fail(item, error.message);
      if (this.#online) await this.#wait(error.retryAfterMs);
    }
    return undefined;
  }

  async #acknowledged(item, { epoch, seq }) {
    this.#attempt = 0;
    if (this.#find(item.cid) === undefined) return;
    Object.assign(item, { state: "sent", place: { epoch, seq } });
    this.#onChange();
    this.settle(); // an ack that came late may be for an event of long ago
    await this.#drop(item.cid);
  }

  async #fail(item, reason) {
    Object.assign(item, { state: "failed", reason });
    this.#onChange();
    this.#onFailed(reason);
    await this.#keep(item);
  }

  /** A disk that refuses costs the survival of a reload, not the message. */
  async #keep(item) {
    await this.#storage.put({ ...item }).catch((error) => console.warn("An unsent message could not be stored.", error));
  }

  /** What stays on disk by mistake goes out again under its cid, which the server knows. */
  async #drop(cid) {
    await this.#storage.remove(cid).catch((error) => console.warn("A sent message could not be put away.", error));
  }

  /** @param {number | null} ms what the server asked for; else our own full jitter */
  #wait(ms) {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms ?? fullJitter(this.#attempt++, this.#random), () => this.#wake?.());
      this.#wake = () => {
        this.#wake = null;
        cancel();
        resolve(undefined);
        this.#onChange();
      };
      this.#onChange();
    });
  }

  /** @returns {OutboxItem} */
  #written(room, text) {
    const place = { cid: this.#newCid(), owner: this.#owner, room, order: this.#nextOrder() };
    return { ...place, text, triedAt: null, state: "pending" };
  }

  #nextOrder() {
    return Math.max(this.#clock.now(), (this.#items.at(-1)?.order ?? 0) + 1);
  }

  #find(cid) {
    return this.#items.find((item) => item.cid === cid);
  }
}
