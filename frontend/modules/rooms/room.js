/**
 * One room of the signed-in user: who it is, what it holds, and what can be done in it. Views subscribe to it and render
 * from the properties of the room, its `log`, its `reading` and its `writing`. Properties are read anew at each render:
 * arrays and objects are replaced, never changed in place.
 *
 * @typedef {object} RoomServices what all rooms share
 * @property {Pick<import("../tabs/shared_connection.js").SharedConnection, "request" | "notify">} connection
 * @property {import("../clock.js").Clock} clock
 * @property {import("../outbox/tab_outbox.js").TabOutbox} storage of unsent messages
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

import { Changes } from "./changes.js";
import { permissionsOf } from "./permissions.js";
import { ReadMarker } from "./reading/read_marker.js";
import { isMention, ReadState } from "./reading/read_state.js";
import { RoomCommands } from "./room_commands.js";
import { RoomLog } from "./room_log.js";
import { RoomMembers } from "./room_members.js";
import { RoomWriting } from "./room_writing.js";
import { SeenBy } from "./reading/seen_by.js";
import { Typists } from "./typists.js";

export class Room {
  /** What is in the room. */
  log;
  /** What the user has read. */
  reading;
  /** What the other people of a direct room have read. */
  seenBy;
  /** What the user writes. */
  writing;
  /** Changes messages. */
  commands;
  /** Of a message, in code points. */
  maxLength = 4_000;
  /**
   * After a ban: when it ends; null: when a moderator ends it.
   *
   * @type {string | null | undefined}
   */
  bannedUntil;
  /** Resolves when the room is joined for the first time. */
  joined;
  #setJoined = () => {};
  #info;
  #isShown = false;
  #isJoined = false;
  #services;
  #observer;
  #changes = new Changes();
  #typists;
  #members;

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
    const { connection, clock, newCid } = services;
    const common = { room: info.id, connection, clock };
    const onChange = () => this.#changed();
    this.commands = new RoomCommands({ ...common, newCid });
    this.#members = new RoomMembers(info.id, services.api, onChange);
    this.#typists = new Typists(clock, onChange);
    this.log = new RoomLog({
      ...common,
      listener: {
        onChange,
        onJoined: () => this.#onJoined(),
        onRefused: (reason) => observer.onRefused(this, reason),
        onEvent: (event) => this.#onEvent(event),
        onPage: (events) => events.forEach((event) => this.#confirmOwn(event)),
      },
    });
    const onUncounted = () => observer.onUncounted(this);
    this.reading = new ReadState(this, new ReadMarker({ ...common, seq: info.read }), { onChange, onUncounted });
    this.seenBy = new SeenBy(this, services.api, onChange);
    this.writing = new RoomWriting(this, services, onChange);
  }

  // -- Identity --

  get id() {
    return this.#info.id;
  }

  /** As the server describes it: kind, name, topic, role, archived, slow_mode_seconds, users, … */
  get info() {
    return this.#info;
  }

  /** The name, or the names of the other people of a direct room. */
  get title() {
    const { kind, name, users = [] } = this.#info;
    return kind === "direct" ? users.map((user) => user.name).join(", ") : name;
  }

  /** The signed-in user. */
  get self() {
    return this.#services.self;
  }

  get permissions() {
    return permissionsOf(this.#info, this.self.role);
  }

  /** Seq of the newest event. */
  get headSeq() {
    return this.log.position?.seq ?? this.#info.seq;
  }

  // -- People --

  /** Who can be mentioned: loaded by `loadMembers`, and the authors of loaded messages. */
  get members() {
    return this.#members.list(this.#info.users ?? [], this.log.items);
  }

  /** Load the people who can be mentioned. May be called often. */
  async loadMembers() {
    if (this.#info.kind !== "direct") await this.#members.load();
  }

  /** Who is typing now. */
  get typists() {
    return this.#typists.users;
  }

  // -- Called by views --

  /**
   * Call back after each change, at most once per task.
   *
   * @param {() => void} listener
   * @returns {() => void} ends the subscription
   */
  subscribe(listener) {
    return this.#changes.subscribe(listener);
  }

  // -- Called by the store --

  /** @param {import("../offline/cached_content.js").CachedContent} content that an earlier page has loaded */
  restore(content) {
    this.#members.restore(content.members);
    this.log.restore(content);
  }

  /** @param {boolean} isShown */
  setShown(isShown) {
    this.log.setShown(isShown);
    this.#isShown = isShown;
    if (!isShown) return;
    this.reading.placeLine();
    if (this.#isJoined) void this.seenBy.load();
  }

  /** @param {import("../net/protocol.js").RoomInfo} info what the server says of the room now */
  update(info) {
    this.#info = info;
    this.log.expectHead(info);
    this.reading.receive(info.read);
    this.writing.roomChanged();
    this.#members.expire();
    this.#changed();
  }

  /** The connection is open: join, and send what waited. */
  async join() {
    const joined = this.log.join();
    this.reading.save();
    await joined;
  }

  disconnected() {
    this.#isJoined = false;
    this.log.disconnected();
    this.writing.outbox.disconnected();
    this.#typists.clear();
  }

  /** Nothing can be written here any more, for example because the account is disabled. */
  disconnectForGood() {
    this.writing.disconnectForGood();
  }

  /** @param {import("../net/protocol.js").ServerFrame} frame of this room */
  receive(frame) {
    if (frame.type === "typing") this.#typists.add(frame.user);
    else if (frame.type === "read") this.reading.receive(frame.seq);
    else if (frame.type === "read_by") this.seenBy.receive(frame.user, frame.seq);
    else this.log.receive(frame);
  }

  // -- Internal --

  #onJoined() {
    this.#isJoined = true;
    if (this.#isShown) void this.seenBy.load();
    this.writing.outbox.connected();
    this.writing.outbox.removePast();
    this.#setJoined();
  }

  /** @param {import("../net/protocol.js").RoomEvent} event */
  #onEvent(event) {
    this.#confirmOwn(event);
    this.writing.outbox.removePast();
    if (event.type !== "message") return;
    this.#typists.remove(event.user.id);
    // What was in the log already is counted by the server.
    if (event.user.id === this.self.id || this.log.isReplayed(event.seq) || event.seq <= this.reading.seq) return;
    this.reading.unread.add(isMention({ mentions: event.mentions, mentionsRoom: event.mentions_room }, this.self.id));
    this.#observer.onMessage(this, event);
  }

  /** @param {import("../net/protocol.js").RoomEvent} event */
  #confirmOwn(event) {
    if (event.type === "message" && event.user.id === this.self.id) this.writing.outbox.confirm(event.cid);
  }

  #changed() {
    this.#changes.announce();
    this.#observer.onChange(this);
  }
}
