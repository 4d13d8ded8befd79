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

export class RoomView {
  #store;
  #clock;
  #note;
  #missing;
  #header;
  #abort = new AbortController();
  #unsubscribe;
  /** @type {import("../rooms/room_types.js").Conversation | null} */
  #conversation = null;
  /** @type {import("../rooms/room.js").Room | null} */
  #room = null;
  /** Why the room that was shown is no longer one of the user's, until the next one is shown. */
  #leftNote = "";

  /**
   * @param {object} options
   * @param {import("../rooms/room_store.js").RoomStore} options.store
   * @param {import("../clock.js").Clock} options.clock
   * @param {string} options.note shown at the composer of every room; empty: none
   * @param {import("./missing_room.js").MissingRoom} options.missing
   * @param {(title: string) => void} options.onTitle
   */
  constructor({ store, clock, note, missing, onTitle }) {
    this.#store = store;
    this.#clock = clock;
    this.#note = note;
    this.#missing = missing;
    this.#header = new RoomHeader(onTitle);
    window.addEventListener("hashchange", () => this.#navigate(), { signal: this.#abort.signal });
    this.#unsubscribe = store.subscribe(() => this.#update());
    this.#navigate();
  }

  /** @returns {import("../rooms/room.js").Room | null} */
  get room() {
    return this.#room;
  }

  close() {
    this.#abort.abort();
    this.#unsubscribe();
    this.#show(null);
    this.#missing.hide();
  }

  /**
   * A room is no longer one of the user's. Say so in the conversation that is shown: otherwise the room would only
   * vanish from the list. When it is the room that is shown, `#leave` says it.
   *
   * @param {import("../rooms/room.js").Room} room
   */
  roomRemoved(room) {
    if (room !== this.#room) this.#conversation?.showNote(leftNote(room, this.#clock.now()));
  }

  // -- Internal --

  #navigate() {
    this.#missing.hide();
    this.#update();
    const route = parseRoute(location.hash);
    if (route.name !== "room" || this.#room?.id !== route.room) return;
    if (route.seq === null) this.#takeFocus();
    else this.#showMessage(route.seq);
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
    if (room === null && this.#store.isLoaded) this.#missing.show(route.room);
    else this.#missing.hide();
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
    this.#conversation?.close();
    this.#conversation = null;
    this.#room = room;
    this.#store.show(room);
    this.#header.show(room);
    for (const id of ["conversation", "composer"]) byId(id).hidden = room === null;
    if (room === null) return;
    this.#conversation = openConversation({ room, clock: this.#clock });
    if (this.#note !== "") this.#conversation.showNote(this.#note);
    this.#takeFocus();
  }

  /** A room that was chosen in the sidebar leaves the focus there for arrow keys; Enter moves it here. */
  #takeFocus() {
    if (!document.activeElement?.closest("#sidebar a")) this.#conversation?.focus();
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
