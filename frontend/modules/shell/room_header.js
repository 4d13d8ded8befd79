/** The header of the room that is shown: its name and topic, and who is typing below the conversation. */

import { text } from "../strings/strings.js";
import { byId } from "../ui/dom.js";

export class RoomHeader {
  #unsubscribe = () => {};
  /** @type {import("../rooms/room.js").Room | null} */
  #room = null;
  #onTitle;

  /** @param {(title: string) => void} onTitle */
  constructor(onTitle) {
    this.#onTitle = onTitle;
  }

  /** @param {import("../rooms/room.js").Room | null} room */
  show(room) {
    this.#unsubscribe();
    this.#room = room;
    this.#unsubscribe = room?.subscribe(() => this.#render()) ?? (() => {});
    for (const id of ["open-members", "open-room-settings"]) byId(id).hidden = room === null;
    this.#render();
  }

  #render() {
    const { title = "", info, typists = [] } = this.#room ?? {};
    setText(byId("room-name"), title);
    byId("room-name").dataset.kind = info?.kind ?? "none";
    const topic = [info?.archived ? text("shell.archived") : "", info?.topic ?? ""];
    setText(byId("room-topic"), topic.filter((part) => part !== "").join(" · "));
    byId("room-topic").title = info?.topic ?? "";
    setText(byId("typing"), typingText(typists.map(({ name }) => name)));
    this.#onTitle(title);
  }
}

/**
 * @param {string[]} names
 * @returns {string}
 */
export function typingText(names) {
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return text("shell.typing.one", { first });
  return names.length === 2 ? text("shell.typing.two", { first, second }) : text("shell.typing.many");
}

/**
 * A live region speaks on every write, even of the same text.
 *
 * @param {HTMLElement} node
 * @param {string} value
 */
function setText(node, value) {
  if (node.textContent !== value) node.textContent = value;
}
