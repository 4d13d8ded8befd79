/** The conversation of one room: its messages and the composer. Implements `OpenConversation` of rooms/room_types.js. */

import { Completion, insertText } from "../composer/completion.js";
import { Composer } from "../composer/composer.js";
import { ComposerMode } from "../composer/composer_mode.js";
import { canDraft, writingNote } from "../composer/writing_note.js";
import { text } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { MessageActions } from "./message_actions.js";
import { MessageList } from "./message_list.js";
import { RowToolbar } from "./row_toolbar.js";

/** @type {import("../rooms/room_types.js").OpenConversation} */
export function openConversation({ room, clock }) {
  const abort = new AbortController();
  const { signal } = abort;
  const draft = byId("draft", HTMLTextAreaElement);

  const mode = new ComposerMode(byId("composer", HTMLFormElement), room, () => composer);
  const composer = new Composer({
    target: {
      async send(message) {
        const isNew = !mode.isEditing;
        const sent = mode.send(message);
        if (isNew) messages.scrollToNewest();
        await sent;
      },
      save: (changed) => mode.save(changed),
      typing: () => room.writing.typing(),
    },
    draft: room.writing.draft,
    placeholder: text("shell.write_to", { room: room.title }),
    onKey: (event) => completion.handleKey(event) || handleKey(event),
    hasTouchKeyboard: () => window.matchMedia("(pointer: coarse)").matches,
  });
  const completion = new Completion(draft, room, signal, (announced) => composer.note.announce(announced));

  const actions = new MessageActions(room, {
    reply: (message) => mode.reply(message),
    edit: (message) => mode.edit(message),
    announce: (message) => composer.note.announce(message),
    showError: (message) => composer.note.showError(message),
  });
  const messages = new MessageList({
    room,
    clock,
    onRender: () => toolbar.refresh(),
    toggleReaction: (message, emoji) => actions.toggleReaction(message, emoji),
  });
  const toolbar = new RowToolbar({ messages, actions, focusComposer: () => composer.focus(), signal });

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean}
   */
  function handleKey(event) {
    if (event.key === "Escape") return mode.cancel();
    if (event.key !== "ArrowUp" || draft.value !== "" || mode.isEditing || !mode.editLast()) return false;
    event.preventDefault();
    return true;
  }

  const failed = new Set();
  let cancelTick = () => {};

  function update() {
    cancelTick();
    composer.setMaxLength(room.maxLength);
    composer.allowWriting(canDraft(room.writing.status));
    composer.block(writingNote(room.writing.status, clock.now()));
    if (room.writing.status.until !== null) cancelTick = clock.schedule(1_000, update);
    for (const { cid, state, reason = "" } of room.writing.outbox.items) {
      if (state !== "failed") failed.delete(cid);
      else if (!failed.has(cid)) {
        failed.add(cid);
        composer.note.announce(text("conversation.not_sent", { reason }));
      }
    }
  }

  room.writing.watchDraft((written) => {
    // The user writes in one tab at a time: the one that has the focus is not changed.
    if (!document.hasFocus() || mode.isEditing) mode.draftChanged(written);
  }, signal);

  const unsubscribe = room.subscribe(update);
  update();

  // The pressed button is removed with its message.
  byId("pending-messages").addEventListener(
    "click",
    ({ target }) => {
      if (target instanceof Element && target.closest("button")) composer.focus();
    },
    { signal },
  );
  byId("insert-emoji").addEventListener(
    "click",
    async () => {
      try {
        const { pickEmoji } = await import("../emoji/emoji_picker.js");
        const emoji = await pickEmoji(byId("insert-emoji"));
        if (emoji !== null && !signal.aborted) insertText(draft, emoji);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        composer.note.showError(error.message);
      }
    },
    { signal },
  );

  return {
    focus: () => composer.focus(),
    showNote: (note) => composer.note.showNotice(note),
    showMessage: (seq) => messages.showMessage(seq),
    close() {
      mode.cancel();
      abort.abort();
      cancelTick();
      unsubscribe();
      messages.close();
      composer.close();
      mode.close();
    },
  };
}
