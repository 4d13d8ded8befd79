/**
 * Renders the messages of a room and those that are not sent yet, at most once per frame. Loads more when the reader comes
 * near an end, and marks what was seen as read.
 */

import { byId, keepFocus } from "../ui/dom.js";
import { NextFrame } from "../ui/next_frame.js";
import { ScrollPosition } from "../windowed_list/scroll_position.js";
import { WindowedList } from "../windowed_list/windowed_list.js";
import { messageVersion, renderMessage } from "./message_row.js";
import { NewMessages } from "./new_messages.js";
import { otherVersion, renderOther } from "./other_rows.js";
import { PendingList } from "./pending_list.js";
import { People } from "./people.js";
import { buildRows, estimateHeight } from "./rows.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("../chat/message_reducer.js").Message} Message
 */

export class MessageList {
  #scroller = byId("timeline");
  #messages = byId("messages");
  #loading = byId("timeline-loading");
  #beginning = byId("timeline-beginning");
  #abort = new AbortController();
  #position = new ScrollPosition(
    this.#scroller,
    this.#abort.signal,
    () => !this.#room.log.isDetached,
    () => this.#onScroll(),
  );
  /** @type {WindowedList<Row>} */
  #list = new WindowedList(this.#scroller, this.#messages, this.#position, {
    version: (row) => (row.kind === "message" ? messageVersion(row, this.#context) : otherVersion(row, this.#context)),
    render: (row) => (row.kind === "message" ? renderMessage(row, this.#context) : renderOther(row, this.#context)),
    estimate: estimateHeight,
  });
  #pending;
  #newMessages;
  /** @type {readonly Row[]} */
  #rows = [];
  /** @type {Map<number, Message>} the loaded messages by seq */
  #bySeq = new Map();
  #nextFrame = new NextFrame(() => this.#render(), this.#abort.signal);
  /** @type {() => void} called after each change of the rows */
  #onRender;
  #room;
  #clock;
  #unsubscribe;
  /** @type {import("./message_row.js").RowContext} */
  #context;

  /**
   * @param {object} options
   * @param {import("../rooms/room.js").Room} options.room
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => void} options.onRender
   * @param {(message: Message, emoji: string) => void} options.toggleReaction
   */
  constructor({ room, clock, onRender, toggleReaction }) {
    this.#room = room;
    this.#clock = clock;
    this.#onRender = onRender;
    const { signal } = this.#abort;
    this.#pending = new PendingList(room.writing.outbox, clock, () => this.#position.stay());
    this.#newMessages = new NewMessages({
      room,
      clock,
      position: this.#position,
      onJump: () => this.scrollToNewest(),
      signal,
    });
    this.#context = {
      people: new People([], room.self),
      selfId: room.self.id,
      isDirect: room.info.kind === "direct",
      now: clock.now(),
      find: (seq) => this.#bySeq.get(seq) ?? null,
      canReact: room.permissions.react,
      seen: null,
      onResize: (key) => this.#onResize(key),
      jumpTo: (seq) => void this.showMessage(seq),
      toggleReaction,
      loadGap: (gap) => room.log.loadGap(gap),
    };
    this.#unsubscribe = room.subscribe(() => this.#roomChanged());
    document.addEventListener("visibilitychange", () => this.#markRead(), { signal });
    this.#nextFrame.schedule();
  }

  scrollToNewest() {
    if (this.#room.log.isDetached) this.#room.log.attach();
    this.#position.scrollToBottom();
    this.#list.scrolled();
    this.#onScroll();
  }

  /**
   * Load and show a message, and move the focus to it.
   *
   * @param {number} seq
   * @returns {Promise<boolean>} false: it is not there
   */
  async showMessage(seq) {
    if (!(await this.#room.log.loadAround(seq)) || this.#abort.signal.aborted) return false;
    this.#render();
    const row = this.#rows.find((other) => other.kind === "message" && other.item.seq === seq);
    const node = row === undefined ? null : this.#list.reveal(row.key);
    if (node === null) return false;
    node.focus({ preventScroll: true });
    node.classList.add("revealed");
    this.#onScroll();
    return true;
  }

  /** Remove the conversation from the page. */
  close() {
    this.#abort.abort();
    this.#unsubscribe();
    this.#newMessages.close();
    this.#list.clear();
    this.#pending.clear();
  }

  // -- For the keyboard and the toolbar --

  /**
   * @param {Node} node
   * @returns {Message | null} the message that contains the node
   */
  messageOf(node) {
    const row = this.#list.rowOf(node);
    return row?.kind === "message" ? row.item : null;
  }

  /**
   * @param {string} key
   * @returns {HTMLElement | null} null if it is not near the screen
   */
  nodeOf(key) {
    return this.#list.nodeOf(key);
  }

  /** @returns {string | null} key of the newest message */
  get newestKey() {
    return this.#rows.findLast(({ kind }) => kind === "message")?.key ?? null;
  }

  /**
   * Move the focus to another message.
   *
   * @param {string} key of the message that has it
   * @param {number} step 1: the next one, -1: the previous one
   */
  focusNeighbour(key, step) {
    let index = this.#rows.findIndex((row) => row.key === key) + step;
    while (index >= 0 && index < this.#rows.length && this.#rows[index].kind !== "message") index += step;
    const row = this.#rows.at(index);
    if (index < 0 || row === undefined) return;
    const node = this.#list.nodeOf(row.key) ?? this.#list.reveal(row.key);
    node?.focus({ preventScroll: true });
    node?.scrollIntoView({ block: "nearest" });
  }

  /** @returns {import("./people.js").People} */
  get people() {
    return this.#context.people;
  }

  // -- Rendering --

  /** Called before the sidebar and the title render: what arrives in sight of the reader must not show there as unread. */
  #roomChanged() {
    if (!this.#room.log.isReplaying) this.#markRead();
    this.#nextFrame.schedule();
  }

  #render() {
    if (this.#position.isAtBottom) this.#room.log.trim();
    const { log, reading, seenBy, members, self, permissions } = this.#room;
    this.#bySeq = new Map();
    for (const item of log.items) if (item.kind === "message") this.#bySeq.set(item.seq, item);
    Object.assign(this.#context, {
      people: new People(members, self),
      now: this.#clock.now(),
      canReact: permissions.react,
      seen: seenBy.mark,
    });
    this.#rows = buildRows(log.items, reading.firstUnreadSeq);
    keepFocus(this.#messages, this.#scroller, () => this.#list.update(this.#rows, () => this.#renderRest()));
    this.#onRender();
    this.#newMessages.rendered();
    this.#markRead();
    this.#loadIfNeeded();
  }

  #renderRest() {
    const { isLoading, startsAtBeginning } = this.#room.log;
    this.#loading.hidden = !isLoading;
    this.#beginning.hidden = !startsAtBeginning || isLoading;
    this.#pending.render();
  }

  /** What is at the bottom of a visible window has been seen. */
  #markRead() {
    const { log, reading } = this.#room;
    if (!this.#position.isAtBottom || log.isDetached || document.visibilityState !== "visible") return;
    const { newestSeq } = log;
    if (newestSeq !== null) reading.mark(newestSeq);
  }

  // -- Scrolling --

  #onScroll() {
    // The events of a replay may be in the room and not yet in the view: its top is then visible without scrolling. The
    // scheduled render loads older messages once its rows are there.
    if (this.#nextFrame.isScheduled) return;
    keepFocus(this.#messages, this.#scroller, () => this.#list.scrolled());
    this.#onRender();
    this.#markRead();
    this.#newMessages.renderButton();
    this.#loadIfNeeded();
  }

  /** @param {string} key */
  #onResize(key) {
    this.#list.resized(key);
    this.#position.stay();
  }

  #loadIfNeeded() {
    const { log } = this.#room;
    if (log.hasOlder && this.#list.isNearTop) log.loadOlder();
    else if (log.isDetached && this.#list.isNearEnd) log.loadNewer();
  }
}
