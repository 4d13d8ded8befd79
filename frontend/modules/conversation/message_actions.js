/** What the reader can do with a message: which actions there are, and what each does. */

import { roomHash } from "../route.js";
import { text } from "../strings/strings.js";

/**
 * @typedef {import("../chat/message_reducer.js").Message} Message
 *
 * @typedef {object} Action
 * @property {"react" | "reply" | "edit" | "copy" | "link" | "delete"} name
 * @property {string} label
 * @property {string | null} question before it is done, null: none
 * @property {(anchor: HTMLElement) => void} run anchor: what was pressed
 *
 * @typedef {object} ComposerActions
 * @property {(message: Message) => void} reply
 * @property {(message: Message) => void} edit
 * @property {(message: string) => void} announce
 * @property {(message: string) => void} showError
 */

export class MessageActions {
  #room;
  #composer;

  /**
   * @param {import("../rooms/room.js").Room} room
   * @param {ComposerActions} composer
   */
  constructor(room, composer) {
    this.#room = room;
    this.#composer = composer;
  }

  /**
   * @param {Message} message
   * @returns {Action[]}
   */
  of(message) {
    const { permissions, self } = this.#room;
    const isOwn = message.user.id === self.id;
    /** @type {(Action | false)[]} */
    const actions = [
      !message.deleted &&
        permissions.react &&
        this.#action("react", (anchor) => void this.#pickReaction(message, anchor)),
      !message.deleted && permissions.send && this.#action("reply", () => this.#composer.reply(message)),
      !message.deleted && isOwn && permissions.editOwn && this.#action("edit", () => this.#composer.edit(message)),
      !message.deleted && this.#action("copy", () => void this.#copy(message.text)),
      this.#action("link", () => void this.#copyLink(message)),
      !message.deleted &&
        (isOwn ? permissions.deleteOwn : permissions.deleteOthers) && {
          ...this.#action("delete", () => void this.#attempt(this.#room.commands.remove(message.seq))),
          question: text("conversation.action_delete_question"),
        },
    ];
    return actions.filter((action) => action !== false);
  }

  /**
   * Add or remove the reader's reaction.
   *
   * @param {Message} message
   * @param {string} emoji
   */
  toggleReaction({ seq, reactions }, emoji) {
    const isOn = reactions.some((reaction) => reaction.emoji === emoji && reaction.users.includes(this.#room.self.id));
    void this.#attempt(this.#room.commands.react(seq, emoji, !isOn));
  }

  /**
   * @param {Action["name"]} name
   * @param {Action["run"]} run
   * @returns {Action}
   */
  #action(name, run) {
    return { name, label: text(`conversation.action_${name}`), question: null, run };
  }

  /**
   * @param {Message} message
   * @param {HTMLElement} anchor
   */
  async #pickReaction({ seq }, anchor) {
    const emoji = await this.#attempt(import("../emoji/emoji_picker.js").then(({ pickEmoji }) => pickEmoji(anchor)));
    if (emoji) await this.#attempt(this.#room.commands.react(seq, emoji, true));
  }

  /** @param {Message} message */
  async #copyLink({ seq }) {
    await this.#copy(new URL(roomHash(this.#room.id, seq), location.href).href);
  }

  /** @param {string} copied */
  async #copy(copied) {
    await this.#attempt(
      navigator.clipboard.writeText(copied).then(() => this.#composer.announce(text("conversation.copied"))),
    );
  }

  /**
   * @template T
   * @param {Promise<T>} step
   * @returns {Promise<T | null>} null if it failed; then the page shows an error
   */
  async #attempt(step) {
    try {
      return await step;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#composer.showError(error.message);
      return null;
    }
  }
}
