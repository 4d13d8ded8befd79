/**
 * One room of the signed-in user: its log, its outbox, what was read, and what can be done in it. Implements
 * `ConversationRoom`; views subscribe to it.
 *
 * @typedef {import("./room_types.js").ConversationRoom} ConversationRoom
 *
 * @typedef {object} RoomServices what all rooms share
 * @property {Pick<import("../net/connection.js").Connection, "request" | "notify">} connection
 * @property {import("../clock.js").Clock} clock
 * @property {import("../chat/tab_outbox.js").TabOutbox} storage of unsent messages
 * @property {import("../chat/draft_storage.js").DraftStorage} drafts
 * @property {import("./room_api.js").RoomApi} api
 * @property {() => string} newCid
 * @property {import("../net/protocol.js").User} self
 *
 * @typedef {object} RoomObserver
 * @property {(room: Room) => void} onChange
 * @property {(room: Room, message: import("../net/protocol.js").RoomMessage) => void} onMessage a new one of someone else
 * @property {(room: Room) => void} onUncounted only the server can count what is unread
 * @property {(room: Room, reason: string) => void} onRefused the room cannot be joined
 */

import { reduceMessages } from "../chat/message_reducer.js";
import { Outbox } from "../chat/outbox.js";
import { RoomSubscription } from "../chat/room_subscription.js";
import { Timeline } from "../chat/timeline.js";
import { CommandError } from "../net/pending_requests.js";
import { Changes } from "./changes.js";
import { permissionsOf } from "./permissions.js";
import { ReadMarker } from "./read_marker.js";
import { RoomCommands } from "./room_commands.js";
import { RoomMembers } from "./room_members.js";
import { Typists } from "./typists.js";
import { isMention, Unread } from "./unread.js";
import { writingOf } from "./writing.js";

/** Events that are kept while the reader is at the newest one. */
const MAX_EVENTS_AT_BOTTOM = 1_000;

/** @implements {ConversationRoom} */
export class Room {
  unread = new Unread();
  outbox;
  maxLength = 4_000;
  /** Resolves when the room is joined for the first time. */
  joined;
  #setJoined = () => {};
  /** When the last own message was accepted, for slow mode. */
  #sentAt = -Infinity;
  /** @type {number | null | undefined} until when a moderator has muted the user; null: without an end */
  #mutedUntil;
  #isDisconnectedForGood = false;
  #info;
  #services;
  #observer;
  #timeline = new Timeline();
  #subscription;
  #changes = new Changes();
  #commands;
  #marker;
  #typists;
  /** @type {readonly import("./room_types.js").Item[] | null} */
  #items = null;
  #members;
  /** Where the "new" line is: after this seq. */
  #lineAfter = Infinity;

  /**
   * @param {import("../net/protocol.js").RoomInfo} info
   * @param {RoomServices} services
   * @param {RoomObserver} observer
   */
  constructor(info, services, observer) {
    this.#info = info;
    /** @type {Promise<void>} */
    this.joined = new Promise((resolve) => {
      this.#setJoined = () => resolve();
    });
    this.#services = services;
    this.#observer = observer;
    const { connection, clock, newCid, storage, self } = services;
    const common = { room: info.id, connection, clock };
    this.#commands = new RoomCommands({ ...common, newCid });
    this.#marker = new ReadMarker({ ...common, seq: info.read });
    this.#members = new RoomMembers(info.id, services.api, () => this.#changed());
    this.#typists = new Typists(clock, () => this.#changed());
    this.outbox = new Outbox({
      scope: { owner: self.id, room: info.id },
      storage,
      clock,
      newCid,
      send: ({ cid, text, replyTo }) => this.#sendItem(cid, text, replyTo ?? null),
      isPast: (position) => this.#timeline.isPast(position),
      listener: { onChange: () => this.#changed(), onFailed: (error) => this.#onSendFailed(error) },
    });
    this.#subscription = new RoomSubscription({
      ...common,
      timeline: this.#timeline,
      listener: {
        onChange: () => this.#contentChanged(),
        onJoined: () => this.#onJoined(),
        onRefused: (reason) => observer.onRefused(this, reason),
        onEvent: (event) => this.#onEvent(event),
        onPage: (events) => events.forEach((event) => this.#confirmOwn(event)),
      },
    });
    this.#subscription.setShown(false);
  }

  // -- Identity --

  get id() {
    return this.#info.id;
  }

  get info() {
    return this.#info;
  }

  get title() {
    const { kind, name, users = [] } = this.#info;
    return kind === "direct" ? users.map((user) => user.name).join(", ") : name;
  }

  get self() {
    return this.#services.self;
  }

  get permissions() {
    return permissionsOf(this.#info, this.self.role);
  }

  get writing() {
    return writingOf({
      info: this.#info,
      permissions: this.permissions,
      mutedUntil: this.#mutedUntil,
      sentAt: this.#sentAt,
      now: this.#services.clock.now(),
      isDisconnectedForGood: this.#isDisconnectedForGood,
    });
  }

  // -- Content --

  get items() {
    this.#items ??= reduceMessages(this.#timeline.segments);
    return this.#items;
  }

  get pending() {
    return this.outbox.items;
  }

  get isStalled() {
    return this.outbox.isStalled;
  }

  get isReplaying() {
    return this.#timeline.isReplaying;
  }

  get isLoading() {
    return this.#subscription.isLoading;
  }

  get hasOlder() {
    return this.#timeline.segments.at(0)?.hasOlder ?? false;
  }

  get startsAtBeginning() {
    return this.#timeline.startsAtBeginning;
  }

  get isDetached() {
    return this.#timeline.isDetached;
  }

  /** @param {number} seq */
  isReplayed(seq) {
    const epoch = this.#timeline.position?.epoch ?? "";
    return this.#timeline.isReplayed({ epoch, seq });
  }

  /**
   * @param {number} seq
   * @returns {import("../chat/message_reducer.js").Message | null}
   */
  find(seq) {
    for (const item of this.items) if (item.kind === "message" && item.seq === seq) return item;
    return null;
  }

  get members() {
    return this.#members.list(this.#info.users ?? [], this.items);
  }

  // -- Reading --

  get readSeq() {
    return this.#marker.seq;
  }

  get headSeq() {
    return this.#timeline.position?.seq ?? this.#info.seq;
  }

  get firstUnreadSeq() {
    const [first] = this.items;
    if (first === undefined || first.kind === "gap") return null;
    if (first.seq > this.#lineAfter + 1 && !this.startsAtBeginning) return null;
    for (const item of this.items) {
      if (item.kind === "message" && item.seq > this.#lineAfter && item.user.id !== this.self.id) return item.seq;
    }
    return null;
  }

  get typists() {
    return this.#typists.users;
  }

  /** Keep the "new" line where the reader leaves: the room is opened, or the window is hidden. */
  placeLine() {
    this.#lineAfter = this.#marker.seq;
    this.#changed();
  }

  /** @param {number} seq */
  markRead(seq) {
    if (this.#marker.advance(seq)) this.#recount();
  }

  /** @param {number} seq that the user has read in another connection */
  receiveRead(seq) {
    if (this.#marker.receive(seq)) this.#recount();
  }

  // -- Actions --

  /** @param {() => void} listener */
  subscribe(listener) {
    return this.#changes.subscribe(listener);
  }

  /**
   * @param {string} text
   * @param {number | null} [replyTo]
   */
  async send(text, replyTo = null) {
    const added = this.outbox.add(text, replyTo);
    this.#commands.stopTyping();
    this.#lineAfter = Infinity;
    await added;
  }

  /** @param {string} cid */
  retry(cid) {
    return this.outbox.retry(cid);
  }

  /** @param {string} cid */
  discard(cid) {
    return this.outbox.remove(cid);
  }

  /**
   * @param {number} seq
   * @param {string} text
   */
  edit(seq, text) {
    return this.#commands.edit(seq, text);
  }

  /** @param {number} seq */
  remove(seq) {
    return this.#commands.remove(seq);
  }

  /**
   * @param {number} seq
   * @param {string} emoji
   * @param {boolean} on
   */
  react(seq, emoji, on) {
    return this.#commands.react(seq, emoji, on);
  }

  typing() {
    if (this.writing.state === "allowed") this.#commands.typing();
  }

  loadOlder() {
    const segment = this.#timeline.segments.at(0);
    if (segment !== undefined) this.#subscription.loadOlder(segment.id);
  }

  loadNewer() {
    this.#subscription.loadNewer();
  }

  /** @param {import("../chat/message_reducer.js").Gap} gap */
  loadGap(gap) {
    if (gap.isUnloaded) this.#subscription.loadNewer();
    else this.#subscription.loadOlder(gap.segment);
  }

  /** @param {number} seq */
  async loadAround(seq) {
    if (this.find(seq) !== null) return true;
    return this.#subscription.loadAround(seq);
  }

  attach() {
    this.#timeline.attach();
    this.#contentChanged();
  }

  trim() {
    if (this.#timeline.size <= MAX_EVENTS_AT_BOTTOM) return;
    this.#timeline.trim(MAX_EVENTS_AT_BOTTOM);
    this.#items = null;
  }

  async loadMembers() {
    if (this.#info.kind !== "direct") await this.#members.load();
  }

  /** @param {number} seq */
  linkTo(seq) {
    return new URL(`#/room/${this.id}/${seq}`, location.href).href;
  }

  // -- Draft --

  get draft() {
    return this.#services.drafts.get(this.self.id, this.id);
  }

  /** @param {string} text */
  saveDraft(text) {
    this.#services.drafts.set(this.self.id, this.id, text);
  }

  // -- Called by the store --

  /** @param {boolean} isShown */
  setShown(isShown) {
    this.#subscription.setShown(isShown);
    if (isShown) this.placeLine();
  }

  /** @param {import("../net/protocol.js").RoomInfo} info what the server says of the room now */
  update(info) {
    this.#info = info;
    this.receiveRead(info.read);
    this.#mutedUntil = undefined;
    this.#members.expire();
    this.#changed();
  }

  /** @param {import("../net/protocol.js").UnreadCount} counted by the server, which may not know the newest marker */
  setCounted(counted) {
    this.unread.set(this.readSeq >= this.headSeq ? { unread: 0, mentions: 0 } : counted);
    this.#changed();
  }

  /** The connection is open: join, and send what waited. */
  async join() {
    const joined = this.#subscription.join();
    this.#marker.save();
    await joined;
  }

  disconnected() {
    this.#subscription.disconnected();
    this.outbox.disconnected();
    this.#typists.clear();
  }

  /** Nothing can be written here any more, for example because the account is disabled. */
  disconnectForGood() {
    this.#isDisconnectedForGood = true;
    this.#changed();
  }

  close() {
    this.disconnected();
  }

  /** @param {import("../net/protocol.js").ServerFrame} frame of this room */
  receive(frame) {
    if (frame.type === "typing") this.#typists.add(frame.user);
    else if (frame.type === "read") this.receiveRead(frame.seq);
    else this.#subscription.receive(frame);
  }

  // -- Internal --

  /**
   * @param {string} cid
   * @param {string} text
   * @param {number | null} replyTo
   */
  async #sendItem(cid, text, replyTo) {
    const reply = replyTo === null ? {} : { reply_to: replyTo };
    const ack = await this.#services.connection.request({ type: "send", room: this.id, cid, text, ...reply });
    this.#sentAt = this.#services.clock.now();
    return ack;
  }

  /** @param {Error} error */
  #onSendFailed(error) {
    if (error instanceof CommandError && error.code === "muted") {
      this.#mutedUntil = error.retryAfterMs === null ? null : this.#services.clock.now() + error.retryAfterMs;
    }
    this.#changed();
  }

  #onJoined() {
    this.outbox.connected();
    this.outbox.removePast();
    this.#setJoined();
  }

  /** @param {import("../net/protocol.js").RoomEvent} event */
  #onEvent(event) {
    this.#confirmOwn(event);
    this.outbox.removePast();
    if (event.type !== "message") return;
    this.#typists.remove(event.user.id);
    // What was in the log already is counted by the server.
    if (event.user.id === this.self.id || this.isReplayed(event.seq) || event.seq <= this.readSeq) return;
    this.unread.add(isMention({ mentions: event.mentions, mentionsRoom: event.mentions_room }, this.self.id));
    this.#observer.onMessage(this, event);
  }

  /** @param {import("../net/protocol.js").RoomEvent} event */
  #confirmOwn(event) {
    if (event.type === "message" && event.user.id === this.self.id) this.outbox.confirm(event.cid);
  }

  #recount() {
    const place = { readSeq: this.readSeq, headSeq: this.headSeq, selfId: this.self.id };
    if (!this.unread.recount(this.items, place)) this.#observer.onUncounted(this);
    this.#changed();
  }

  #contentChanged() {
    this.#items = null;
    this.#changed();
  }

  #changed() {
    this.#changes.announce();
    this.#observer.onChange(this);
  }
}
