/**
 * What the text in the composer is for: a new message, a reply, or another text for a message that was sent. A bar above
 * the text says so; its button and Escape cancel. While a message is edited, the draft waits.
 */

import { text } from "../strings/strings.js";
import { quotedText } from "../text/quoted_text.js";
import { button, element } from "../ui/dom.js";

/**
 * @typedef {import("../chat/message_reducer.js").Message} Message
 * @typedef {{kind: "new"} | {kind: "reply", message: Message} | {kind: "edit", message: Message, draft: string}} Mode
 */

export class ComposerMode {
  /** @type {Mode} */
  #mode = { kind: "new" };
  #room;
  #composer;
  #bar = element("div", { class: "composer-mode", hidden: true });

  /**
   * @param {HTMLFormElement} form
   * @param {import("../rooms/room.js").Room} room
   * @param {() => Pick<import("./composer.js").Composer, "text" | "setText" | "focus" | "note">} composer
   */
  constructor(form, room, composer) {
    this.#room = room;
    this.#composer = composer;
    form.prepend(this.#bar);
  }

  /** @param {Message} message */
  reply(message) {
    this.cancel();
    this.#enter({ kind: "reply", message }, text("conversation.replying", { name: message.user.name }));
  }

  /** @param {Message} message */
  edit(message) {
    this.cancel();
    this.#enter({ kind: "edit", message, draft: this.#composer().text }, text("conversation.editing"));
    this.#composer().setText(message.text);
  }

  /** @returns {boolean} whether there was something to edit */
  editLast() {
    const last = this.#room.log.items.findLast(
      (item) => item.kind === "message" && item.user.id === this.#room.self.id && !item.deleted,
    );
    if (last?.kind !== "message" || !this.#room.permissions.editOwn) return false;
    this.edit(last);
    return true;
  }

  /** @returns {boolean} whether there was something to cancel */
  cancel() {
    const mode = this.#mode;
    if (mode.kind === "new") return false;
    this.#leave();
    if (mode.kind === "edit") this.#composer().setText(mode.draft);
    return true;
  }

  /**
   * The user has written or sent the draft in another tab. While a message is edited here, the draft waits: the end of the
   * edit must not bring back what was sent meanwhile.
   *
   * @param {string} draft
   */
  draftChanged(draft) {
    if (this.#mode.kind === "edit") this.#mode.draft = draft;
    else this.#composer().setText(draft);
  }

  /** @param {string} draft */
  save(draft) {
    if (this.#mode.kind !== "edit") this.#room.writing.saveDraft(draft);
  }

  /**
   * @param {string} message
   * @throws {Error} with a message for the person
   */
  async send(message) {
    const mode = this.#mode;
    if (mode.kind === "edit") {
      if (message !== mode.message.text) await this.#room.commands.edit(mode.message.seq, message);
      if (this.#mode !== mode) return;
      this.#leave();
      if (this.#composer().text === "") this.#composer().setText(mode.draft);
      return;
    }
    const sent = this.#room.writing.send(message, mode.kind === "reply" ? mode.message.seq : null);
    this.#leave();
    await sent;
  }

  get isEditing() {
    return this.#mode.kind === "edit";
  }

  close() {
    this.#bar.remove();
  }

  /**
   * @param {Mode & {message: Message}} mode
   * @param {string} label
   */
  #enter(mode, label) {
    this.#mode = mode;
    const cancel = button("×", () => this.#cancelByButton(), {
      class: "icon-button small",
      "aria-label": text("conversation.cancel"),
      title: text("conversation.cancel"),
    });
    const quoted = element("bdi", { class: "quoted-text" }, quotedText(mode.message));
    this.#bar.replaceChildren(element("p", {}, element("strong", {}, label), " ", quoted), cancel);
    this.#bar.hidden = false;
    this.#composer().note.announce(label);
    this.#composer().focus();
  }

  #cancelByButton() {
    this.cancel();
    this.#composer().focus();
  }

  #leave() {
    this.#mode = { kind: "new" };
    this.#bar.hidden = true;
    this.#bar.replaceChildren();
  }
}
