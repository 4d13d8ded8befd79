/**
 * What arrives while a conversation is open: it is spoken, and while the reader is further up it is counted on the button
 * that jumps to the newest message.
 */

import { text } from "../strings/strings.js";
import { quotedText } from "../text/quoted_text.js";
import { byId, keepFocus } from "../ui/dom.js";
import { Announcer } from "./announcer.js";

export class NewMessages {
  #jumpButton = byId("jump-to-newest");
  #room;
  #position;
  #announcer;
  /** How many arrived below what is being read. */
  #below = 0;
  /** The newest message that was rendered. */
  #newestSeq = 0;

  /**
   * @param {object} options
   * @param {import("../rooms/room.js").Room} options.room
   * @param {import("../clock.js").Clock} options.clock
   * @param {import("../windowed_list/scroll_position.js").ScrollPosition} options.position
   * @param {() => void} options.onJump
   * @param {AbortSignal} options.signal
   */
  constructor({ room, clock, position, onJump, signal }) {
    this.#room = room;
    this.#position = position;
    this.#announcer = new Announcer(byId("message-announcement"), clock);
    this.#jumpButton.addEventListener("click", onJump, { signal });
  }

  /** Count and announce what has arrived since the last call, but not a page of history or what was there before. */
  rendered() {
    const { items, isDetached, isReplaying } = this.#room.log;
    const isQuiet = this.#newestSeq === 0 || isDetached || isReplaying;
    const first = items.findLastIndex((item) => item.kind === "gap" || item.seq <= this.#newestSeq) + 1;
    for (const item of isQuiet ? [] : items.slice(first)) {
      if (item.kind !== "message") continue;
      this.#below += 1;
      if (item.user.id === this.#room.self.id || this.#room.log.isReplayed(item.seq)) continue;
      this.#announcer.add({
        name: item.user.name,
        // Of many messages only a few are spoken: the others need not be parsed.
        get text() {
          return quotedText(item);
        },
      });
    }
    // While the newest messages are unloaded, those that arrive are not here to be counted.
    if (isDetached) this.#below = 0;
    const newest = items.at(-1);
    if (!isDetached && newest !== undefined && newest.kind !== "gap") this.#newestSeq = newest.seq;
    this.renderButton();
  }

  renderButton() {
    const { isAtBottom } = this.#position;
    if (isAtBottom) this.#below = 0;
    keepFocus(this.#jumpButton, byId("timeline"), () => {
      this.#jumpButton.hidden = isAtBottom;
    });
    const label = text(this.#below === 0 ? "conversation.jump" : "conversation.new_below", { count: this.#below });
    if (this.#jumpButton.textContent !== label) this.#jumpButton.textContent = label;
  }

  close() {
    this.#announcer.close();
    this.#jumpButton.hidden = true;
  }
}
