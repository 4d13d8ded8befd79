/**
 * What stands in the place of a room that is not one of the user's: that it is being opened, how to join it, or that it
 * cannot be shown.
 */

import { messageOf } from "../error_text.js";
import { ApiError } from "../net/http/api.js";
import { StaleRequest } from "../net/session/session.js";
import { text, textWith } from "../strings/strings.js";
import { byId, element } from "../ui/dom.js";

/** A room that was just created or joined arrives over the socket within 2 s. */
const ARRIVAL_MS = 5_000;

export class MissingRoom {
  #node = byId("no-room");
  #text = byId("no-room-text");
  #join = byId("join-room", HTMLButtonElement);
  #api;
  #selfId;
  #clock;
  #room = "";
  /** Whether the server did not answer when it was asked about the room. */
  #isUnanswered = false;
  #cancelWait = () => {};

  /**
   * @param {object} options
   * @param {Pick<import("../rooms/room_api.js").RoomApi, "get" | "putMember">} options.api
   * @param {string} options.selfId id of the user
   * @param {import("../clock.js").Clock} options.clock
   */
  constructor({ api, selfId, clock }) {
    this.#api = api;
    this.#selfId = selfId;
    this.#clock = clock;
    this.#join.onclick = () => void this.#joinRoom();
  }

  /** @param {string} room id. May be called again while it is missing */
  show(room) {
    if (room === this.#room) return;
    this.hide();
    this.#room = room;
    this.#node.hidden = false;
    this.#open();
  }

  /** The server can be reached again: ask about the room if there was no answer before. */
  connected() {
    if (this.#isUnanswered) this.#open();
  }

  hide() {
    this.#room = "";
    this.#isUnanswered = false;
    this.#cancelWait();
    this.#node.hidden = true;
    this.#join.hidden = true;
  }

  // -- Internal --

  #open() {
    this.#isUnanswered = false;
    this.#await();
    void this.#offerToJoin();
  }

  #await() {
    this.#join.hidden = true;
    this.#say(text("shell.opening_room"));
    this.#cancelWait();
    this.#cancelWait = this.#clock.schedule(ARRIVAL_MS, () => this.#say(text("shell.room_missing")));
  }

  /** A public room describes itself to those who are not its members. */
  async #offerToJoin() {
    const room = this.#room;
    try {
      const { role, name } = await this.#api.get(room);
      if (room !== this.#room || role !== null) return;
      this.#cancelWait();
      this.#say(...textWith("shell.not_a_member", { room: element("bdi", {}, name) }));
      this.#join.hidden = false;
    } catch (error) {
      if (room !== this.#room || !(error instanceof ApiError)) return;
      // The server says "not found" of private rooms too. After any other answer the room may still arrive.
      if (error.status !== 404 && error.status !== 0) return;
      this.#cancelWait();
      this.#isUnanswered = error.status === 0;
      this.#say(text(this.#isUnanswered ? "shell.room_not_here" : "shell.room_missing"));
    }
  }

  async #joinRoom() {
    const room = this.#room;
    this.#join.disabled = true;
    try {
      await this.#api.putMember(room, this.#selfId);
      if (room === this.#room) this.#await();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (room === this.#room && !(error instanceof StaleRequest)) this.#say(messageOf(error));
    } finally {
      this.#join.disabled = false;
    }
  }

  /** @param {...(string | Node)} parts */
  #say(...parts) {
    this.#text.replaceChildren(...parts);
  }
}
