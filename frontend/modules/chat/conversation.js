/** The conversation of one room: its messages and the composer. Implements `OpenConversation` of rooms/room_types.js. */

import { text } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { Composer } from "./composer.js";
import { TimelineView } from "./timeline_view.js";

/** @type {import("../rooms/room_types.js").OpenConversation} */
export function openConversation({ room, clock }) {
  const view = new TimelineView({ room, clock });
  const composer = new Composer({
    async send(message) {
      const added = room.send(message);
      view.scrollToNewest();
      await added;
    },
    save: (draft) => room.saveDraft(draft),
    draft: room.draft,
    placeholder: text("shell.write_to", { room: room.title }),
    onTyping: () => room.typing(),
    hasTouchKeyboard: () => window.matchMedia("(pointer: coarse)").matches,
  });
  composer.setMaxLength(room.maxLength);
  const failed = new Set();
  const unsubscribe = room.subscribe(() => {
    composer.setMaxLength(room.maxLength);
    composer.allowWriting(!["disconnected_for_good", "archived", "reader"].includes(room.writing.state));
    for (const { cid, state, reason = "" } of room.pending) {
      if (state !== "failed") failed.delete(cid);
      else if (!failed.has(cid)) {
        failed.add(cid);
        composer.announce(`Not sent. ${reason}`);
      }
    }
  });
  const abort = new AbortController();
  // The pressed button is removed with its message.
  byId("pending-messages").addEventListener(
    "click",
    ({ target }) => {
      if (target instanceof Element && target.closest("button")) composer.focus();
    },
    { signal: abort.signal },
  );
  return {
    focus: () => composer.focus(),
    showNote: (note) => composer.showNotice(note),
    showMessage: (seq) => room.loadAround(seq),
    close() {
      abort.abort();
      unsubscribe();
      view.close();
      composer.close();
    },
  };
}
