/**
 * Renders the messages of a room and those that are not sent yet, at most once per frame. Loads more when the reader comes
 * near an end, marks what was seen as read, and counts what arrives below.
 */

import { text } from "../strings/strings.js";
import { quotedText } from "../text/quoted_text.js";
import { byId, keepFocus } from "../ui/dom.js";
import { RowList } from "../ui/row_list.js";
import { Announcer } from "./announcer.js";
import { messageVersion, renderMessage } from "./message_row.js";
import { otherVersion, renderOther, renderPending } from "./other_rows.js";
import { People } from "./people.js";
import { buildRows } from "./rows.js";
import { ScrollPosition } from "./scroll_position.js";
import { WindowedList } from "./windowed_list.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("../chat/message_reducer.js").Message} Message
 */

export class MessageList {
  #scroller = byId("timeline");
  #messages = byId("messages");
  #pending = byId("pending-messages");
  #jumpButton = byId("jump-to-newest");
  #loading = byId("timeline-loading");
  #beginning = byId("timeline-beginning");
  #abort = new AbortController();
  #position = new ScrollPosition(
    this.#scroller,
    this.#abort.signal,
    () => !this.#room.isDetached,
    () => this.#onScroll(),
  );
  #list = new WindowedList(this.#scroller, this.#messages, this.#position, {
    version: (row) => (row.kind === "message" ? messageVersion(row, this.#context) : otherVersion(row, this.#context)),
    render: (row) => (row.kind === "message" ? renderMessage(row, this.#context) : renderOther(row, this.#context)),
  });
  #pendingRows = new RowList(this.#pending);
  /** @type {readonly Row[]} */
  #rows = [];
  /** @type {Map<number, Message>} the loaded messages by seq */
  #bySeq = new Map();
  #isScheduled = false;
  #unread = 0;
  /** The newest message that was rendered. */
  #newestSeq = 0;
  /** @type {() => void} called after each change of the rows */
  #onRender;
  #room;
  #clock;
  #announcer;
  #unsubscribe;
  /** @type {import("./message_row.js").RowContext} */
  #context;

  /**
   * @param {object} options
   * @param {import("../rooms/room_types.js").ConversationRoom} options.room
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => void} options.onRender
   * @param {(message: Message, emoji: string) => void} options.toggleReaction
   */
  constructor({ room, clock, onRender, toggleReaction }) {
    this.#room = room;
    this.#clock = clock;
    this.#onRender = onRender;
    this.#announcer = new Announcer(byId("message-announcement"), clock);
    this.#context = {
      people: new People([], room.self),
      selfId: room.self.id,
      now: clock.now(),
      find: (seq) => this.#bySeq.get(seq) ?? null,
      canReact: room.permissions.react,
      onResize: (key) => this.#onResize(key),
      jumpTo: (seq) => void this.showMessage(seq),
      toggleReaction,
      loadGap: (gap) => room.loadGap(gap),
    };
    this.#unsubscribe = room.subscribe(() => this.schedule());
    const { signal } = this.#abort;
    this.#jumpButton.addEventListener("click", () => this.scrollToNewest(), { signal });
    document.addEventListener("visibilitychange", () => this.#markRead(), { signal });
    this.schedule();
  }

  /** Render in the next frame. */
  schedule() {
    if (this.#isScheduled || this.#abort.signal.aborted) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      if (!this.#abort.signal.aborted) this.#render();
    });
  }

  scrollToNewest() {
    if (this.#room.isDetached) this.#room.attach();
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
    if (!(await this.#room.loadAround(seq)) || this.#abort.signal.aborted) return false;
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
    this.#announcer.close();
    this.#list.clear();
    this.#pending.replaceChildren();
    this.#jumpButton.hidden = true;
  }

  // -- For the keyboard and the toolbar --

  /**
   * @param {Node} node
   * @returns {Message | null} of which it is a part
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

  #render() {
    if (this.#position.isAtBottom) this.#room.trim();
    const { items, members, self, permissions } = this.#room;
    this.#bySeq = new Map();
    for (const item of items) if (item.kind === "message") this.#bySeq.set(item.seq, item);
    Object.assign(this.#context, {
      people: new People(members, self),
      now: this.#clock.now(),
      canReact: permissions.react,
    });
    this.#rows = buildRows(items, this.#room.firstUnreadSeq);
    keepFocus(this.#messages, this.#scroller, () => this.#list.update(this.#rows, () => this.#renderRest()));
    this.#onRender();
    this.#noticeNew(items);
    this.#markRead();
    this.#loadIfNeeded();
  }

  #renderRest() {
    const { isLoading, startsAtBeginning, isStalled, pending } = this.#room;
    this.#loading.hidden = !isLoading;
    this.#beginning.hidden = !startsAtBeginning || isLoading;
    const actions = {
      retry: (/** @type {string} */ cid) => void this.#room.retry(cid),
      discard: (/** @type {string} */ cid) => void this.#room.discard(cid),
      onResize: () => this.#position.stay(),
    };
    const rows = pending.map((item) => ({
      key: item.cid,
      version: `${item.state} ${isStalled}`,
      render: () => renderPending(item, isStalled, actions),
    }));
    keepFocus(this.#pending, byId("draft"), () => this.#pendingRows.update(rows));
  }

  /**
   * Count and announce what has arrived since the last frame, but not a page of history or what was there before.
   *
   * @param {readonly import("../rooms/room_types.js").Item[]} items
   */
  #noticeNew(items) {
    const { isDetached, isReplaying, self } = this.#room;
    const isQuiet = this.#newestSeq === 0 || isDetached || isReplaying;
    const first = items.findLastIndex((item) => item.kind === "gap" || item.seq <= this.#newestSeq) + 1;
    for (const item of isQuiet ? [] : items.slice(first)) {
      if (item.kind !== "message") continue;
      this.#unread += 1;
      if (item.user.id === self.id || this.#room.isReplayed(item.seq)) continue;
      this.#announcer.add({ name: item.user.name, text: quotedText(item) });
    }
    // While the newest messages are unloaded, those that arrive are not here to be counted.
    if (this.#position.isAtBottom || isDetached) this.#unread = 0;
    const newest = items.at(-1);
    if (!isDetached && newest !== undefined && newest.kind !== "gap") this.#newestSeq = newest.seq;
    this.#renderJumpButton();
  }

  #renderJumpButton() {
    keepFocus(this.#jumpButton, this.#scroller, () => {
      this.#jumpButton.hidden = this.#position.isAtBottom;
    });
    const label = text(this.#unread === 0 ? "conversation.jump" : "conversation.new_below", { count: this.#unread });
    if (this.#jumpButton.textContent !== label) this.#jumpButton.textContent = label;
  }

  /** What is at the bottom of a visible window has been seen. */
  #markRead() {
    if (!this.#position.isAtBottom || this.#room.isDetached || document.visibilityState !== "visible") return;
    const newest = this.#room.items.at(-1);
    if (newest !== undefined && newest.kind !== "gap") this.#room.markRead(newest.seq);
  }

  // -- Scrolling --

  #onScroll() {
    if (this.#position.isAtBottom) this.#unread = 0;
    // The events of a replay may be in the room and not yet in the view: its top is then visible without scrolling. The
    // scheduled render loads older messages once its rows are there.
    if (this.#isScheduled) return;
    keepFocus(this.#messages, this.#scroller, () => this.#list.scrolled());
    this.#onRender();
    this.#markRead();
    this.#renderJumpButton();
    this.#loadIfNeeded();
  }

  /** @param {string} key */
  #onResize(key) {
    this.#list.resized(key);
    this.#position.stay();
  }

  #loadIfNeeded() {
    if (this.#room.hasOlder && this.#list.isNearTop) this.#room.loadOlder();
    else if (this.#room.isDetached && this.#list.isNearEnd) this.#room.loadNewer();
  }
}
