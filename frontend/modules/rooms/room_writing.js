/** What the user writes in a room: the draft, the outbox, and whether they can write now. */

import { Outbox } from "../outbox/outbox.js";
import { CommandError } from "../net/socket/pending_requests.js";

export class RoomWriting {
  /** What the user has sent and the server has not confirmed. */
  outbox;
  #room;
  #services;
  #onChange;
  #limits;

  /**
   * @param {import("./room.js").Room} room
   * @param {import("./room.js").RoomServices} services
   * @param {() => void} onChange
   */
  constructor(room, services, onChange) {
    this.#room = room;
    this.#services = services;
    this.#onChange = onChange;
    const { clock, newCid, storage, self } = services;
    this.#limits = new WritingLimits(clock);
    this.outbox = new Outbox({
      scope: { owner: self.id, room: room.id },
      storage,
      clock,
      newCid,
      send: (item) => this.#sendItem(item),
      isPast: (position) => room.log.isPast(position),
      listener: { onChange, onFailed: (error) => this.#onFailed(error) },
    });
  }

  /** @returns {import("./room_types.js").WritingStatus} whether the user can write now */
  get status() {
    return this.#limits.statusIn(this.#room.info, this.#room.permissions);
  }

  /** @returns {string} what the user has not sent yet */
  get draft() {
    return this.#services.drafts.get(this.#room.self.id, this.#room.id);
  }

  /** @param {string} text */
  saveDraft(text) {
    this.#services.drafts.set(this.#room.self.id, this.#room.id, text);
  }

  /**
   * Call back when the user writes in another tab.
   *
   * @param {(text: string) => void} listener
   * @param {AbortSignal} signal ends it
   */
  watchDraft(listener, signal) {
    this.#services.drafts.watch(this.#room.self.id, this.#room.id, listener, signal);
  }

  /** The user is typing. May be called with every key. */
  typing() {
    if (this.status.state === "allowed") this.#room.commands.typing();
  }

  /**
   * Put a message into the outbox.
   *
   * @param {string} text
   * @param {number | null} [replyTo] seq of the message that it answers
   * @throws {import("../outbox/outbox.js").OutboxFull}
   */
  async send(text, replyTo = null) {
    const added = this.outbox.add(text, replyTo);
    this.#room.commands.stopTyping();
    this.#room.reading.removeLine();
    await added;
  }

  // -- Called by the room --

  /** The room has changed: it says whether the user is muted now. */
  roomChanged() {
    this.#limits.roomChanged();
  }

  disconnectForGood() {
    this.#limits.disconnectForGood();
    this.#onChange();
  }

  // -- Internal --

  /** @param {import("../outbox/pending_sends.js").PendingSend} item */
  async #sendItem({ cid, text, replyTo = null }) {
    const reply = replyTo === null ? {} : { reply_to: replyTo };
    const { connection } = this.#services;
    const ack = await connection.request({ type: "send", room: this.#room.id, cid, text, ...reply });
    this.#limits.accepted();
    return ack;
  }

  /** @param {Error} error */
  #onFailed(error) {
    this.#limits.refused(error);
    this.#onChange();
  }
}

/** Why nothing can be written, and until when. */
class WritingLimits {
  #clock;
  /** When the last own message was accepted, for slow mode. */
  #sentAt = -Infinity;
  /**
   * From a refusal, which can be faster than the change of the room.
   *
   * @type {number | null | undefined} null: muted without an end; undefined: as the room says
   */
  #mutedUntil;
  #isDisconnectedForGood = false;

  /** @param {import("../clock.js").Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** The server accepted a message. */
  accepted() {
    this.#sentAt = this.#clock.now();
    this.#mutedUntil = undefined;
  }

  /** @param {Error} error with which the server refused a message */
  refused(error) {
    if (!(error instanceof CommandError) || error.code !== "muted") return;
    this.#mutedUntil = error.retryAfterMs === null ? null : this.#clock.now() + error.retryAfterMs;
  }

  /** The room has changed: it says whether the user is muted now. */
  roomChanged() {
    this.#mutedUntil = undefined;
  }

  /** Nothing can be written any more, for example because the account is disabled. */
  disconnectForGood() {
    this.#isDisconnectedForGood = true;
  }

  /**
   * @param {import("../net/protocol.js").RoomInfo} info
   * @param {import("./room_types.js").Permissions} permissions
   * @returns {import("./room_types.js").WritingStatus}
   */
  statusIn(info, permissions) {
    const now = this.#clock.now();
    const mutedUntil = this.#mutedUntil === undefined ? muteEnd(info) : this.#mutedUntil;
    if (this.#isDisconnectedForGood) return { state: "disconnected_for_good", until: null };
    if (info.archived) return { state: "archived", until: null };
    if (!permissions.send) return { state: "reader", until: null };
    if (mutedUntil === null || (mutedUntil !== undefined && mutedUntil > now)) {
      return { state: "muted", until: mutedUntil };
    }
    const slowUntil = this.#sentAt + info.slow_mode_seconds * 1000;
    // Slow mode does not limit moderators and owners.
    if (info.slow_mode_seconds > 0 && slowUntil > now && !permissions.moderate) {
      return { state: "slow_mode", until: slowUntil };
    }
    return { state: "allowed", until: null };
  }
}

/**
 * @param {import("../net/protocol.js").RoomInfo} info
 * @returns {number | null | undefined} null: muted without an end; undefined: not muted
 */
function muteEnd({ muted_until: until }) {
  return typeof until === "string" ? Date.parse(until) : until;
}
