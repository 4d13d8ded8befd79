/**
 * Shows the room that the address names: its header, its conversation, or why it cannot be shown. The address is the
 * truth: back, forward, links and the sidebar all change it.
 */

import { openConversation } from "../conversation/conversation.js";
import { formatMoment } from "../format.js";
import { LOBBY } from "../rooms/permissions.js";
import { text } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { navigate } from "../ui/layers.js";
import { parseRoute, roomHash } from "../route.js";
import { RoomHeader } from "./room_header.js";

/** A room that was just created or joined arrives over the socket within 2 s. */
const ARRIVAL_MS = 5_000;

export class RoomView {
  #store;
  #clock;
  #note;
  #header;
  #abort = new AbortController();
  #unsubscribe;
  /** @type {import("../rooms/room_types.js").Conversation | null} */
  #conversation = null;
  /** @type {import("../rooms/room.js").Room | null} */
  #room = null;
  #cancelWait = () => {};
  #isLate = false;
  /** Why the room that was shown is no longer one of the user's, until the next one is shown. */
  #leftNote = "";

  /**
   * @param {object} options
   * @param {import("../rooms/room_store.js").RoomStore} options.store
   * @param {import("../clock.js").Clock} options.clock
   * @param {string} options.note shown at the composer of every room; empty: none
   * @param {(title: string) => void} options.onTitle
   */
  constructor({ store, clock, note, onTitle }) {
    this.#store = store;
    this.#clock = clock;
    this.#note = note;
    this.#header = new RoomHeader(onTitle);
    window.addEventListener("hashchange", () => this.#navigate(), { signal: this.#abort.signal });
    this.#unsubscribe = store.subscribe(() => this.#update());
    this.#navigate();
  }

  /** @returns {import("../rooms/room.js").Room | null} */
  get room() {
    return this.#room;
  }

  focus() {
    this.#conversation?.focus();
  }

  close() {
    this.#abort.abort();
    this.#unsubscribe();
    this.#cancelWait();
    this.#show(null);
    byId("no-room").hidden = true;
  }

  // -- Internal --

  #navigate() {
    this.#cancelWait();
    this.#isLate = false;
    this.#cancelWait = this.#clock.schedule(ARRIVAL_MS, () => {
      this.#isLate = true;
      this.#update();
    });
    this.#update();
    const route = parseRoute(location.hash);
    if (route.name === "room" && route.seq !== null && this.#room?.id === route.room) this.#showMessage(route.seq);
  }

  /** Show the room of the address, once it is known. */
  #update() {
    const route = parseRoute(location.hash);
    if (route.name !== "room") {
      this.#goHome();
      return;
    }
    const room = this.#store.get(route.room);
    if (room === null && this.#room?.id === route.room) {
      this.#leave(this.#room);
      return;
    }
    if (room === null || room !== this.#room) {
      this.#show(room);
      if (room !== null && route.seq !== null) this.#showMessage(route.seq);
    }
    byId("no-room").hidden = room !== null || !this.#store.isLoaded;
    byId("no-room").textContent = text(this.#isLate ? "shell.room_missing" : "shell.opening_room");
  }

  /**
   * The room that is shown is no longer one of the user's: it was left, or the user was removed or banned.
   *
   * @param {import("../rooms/room.js").Room} room
   */
  #leave(room) {
    this.#leftNote = leftNote(room, this.#clock.now());
    this.#show(null);
    navigate("#/");
  }

  /** Without an address, the room that was open last is shown, or the lobby. */
  #goHome() {
    if (!this.#store.isLoaded) return;
    const last = this.#store.get(this.#store.lastShownId) ?? this.#store.get(LOBBY) ?? this.#store.rooms.at(0);
    if (last === undefined || last === null) return;
    history.replaceState(history.state, "", roomHash(last.id));
    this.#update();
    if (this.#leftNote !== "") this.#conversation?.showNote(this.#leftNote);
    this.#leftNote = "";
  }

  /** @param {import("../rooms/room.js").Room | null} room */
  #show(room) {
    if (room === this.#room && this.#conversation !== null) return;
    const hadFocus = byId("room-pane").contains(document.activeElement) || document.activeElement === document.body;
    this.#conversation?.close();
    this.#conversation = null;
    this.#room = room;
    this.#store.show(room);
    this.#header.show(room);
    for (const id of ["conversation", "composer"]) byId(id).hidden = room === null;
    if (room === null) return;
    this.#conversation = openConversation({ room, clock: this.#clock });
    if (this.#note !== "") this.#conversation.showNote(this.#note);
    // A room that was chosen in the sidebar leaves the focus there for arrow keys; Enter moves it here.
    if (hadFocus) this.#conversation.focus();
  }

  /** @param {number} seq */
  async #showMessage(seq) {
    const room = this.#room;
    await room?.joined;
    const isShown = await this.#conversation?.showMessage(seq);
    if (isShown === false && room === this.#room) this.#conversation?.showNote(text("shell.message_missing"));
  }
}

/**
 * @param {Pick<import("../rooms/room.js").Room, "title" | "bannedUntil">} room that is no longer one of the user's
 * @param {number} now milliseconds since 1970
 * @returns {string} why
 */
export function leftNote({ title, bannedUntil }, now) {
  if (bannedUntil === undefined) return text("shell.room_left", { room: title });
  if (bannedUntil === null) return text("shell.room_banned", { room: title });
  return text("shell.room_banned_until", { room: title, time: formatMoment(new Date(bannedUntil), now) });
}
