/**
 * Renders the timeline and the outbox, at most once per frame, and touches only the rows that changed: a replay may
 * bring a thousand events at once, and a screen reader must hear each message once.
 */

import { byId, keepFocus } from "../ui/dom.js";
import { RowList } from "../ui/row_list.js";
import { groupMessages } from "./message_groups.js";
import { renderPendingSend, renderRow } from "./message_view.js";
import { ScrollAnchor } from "./scroll_anchor.js";

/** @typedef {import("./message_groups.js").Row} Row */

export class TimelineView {
  #scroller = byId("timeline");
  #messages = byId("messages");
  #pending = byId("pending-messages");
  #jumpButton = byId("jump-to-newest");
  #abort = new AbortController();
  #anchor = new ScrollAnchor(
    this.#scroller,
    this.#abort.signal,
    () => !this.#room.isDetached,
    () => this.#onScroll(),
  );
  #messageRows = new RowList(this.#messages);
  #pendingRows = new RowList(this.#pending);
  #isScheduled = false;
  #unread = 0;
  /** Key of the newest row that was rendered. */
  #newestKey = "";
  /** Whether the next frame shows events of a replay or of a page of history, also changes of rows that are shown. */
  #isCatchingUp = false;
  #room;
  #clock;
  #unsubscribe;

  /**
   * @param {object} options
   * @param {import("../rooms/room_types.js").ConversationRoom} options.room
   * @param {import("../clock.js").Clock} options.clock
   */
  constructor({ room, clock }) {
    this.#room = room;
    this.#clock = clock;
    this.#unsubscribe = room.subscribe(() => this.schedule());
    this.#jumpButton.addEventListener("click", () => this.scrollToNewest(), { signal: this.#abort.signal });
    this.schedule();
  }

  /** Render in the next frame. */
  schedule() {
    if (this.#room.isReplaying || this.#room.isLoading) this.#isCatchingUp = true;
    if (this.#isScheduled || this.#abort.signal.aborted) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      if (!this.#abort.signal.aborted) this.#render();
    });
  }

  scrollToNewest() {
    if (this.#room.isDetached) {
      this.#room.attach();
    }
    this.#anchor.scrollToBottom();
    this.#onScroll();
  }

  /** Remove the conversation from the page. */
  close() {
    this.#abort.abort();
    this.#unsubscribe();
    this.#messages.replaceChildren();
    this.#pending.replaceChildren();
    this.#jumpButton.hidden = true;
  }

  // -- Rendering --

  #render() {
    if (this.#anchor.isAtBottom) this.#room.trim();
    const rows = groupMessages(this.#room.items);
    const knownIndex = rows.findLastIndex(({ key }) => key === this.#newestKey);
    this.#setLiveRegion(rows, knownIndex);
    this.#anchor.preserve(this.#messages.children, () => {
      const { isLoading } = this.#room;
      byId("timeline-loading").hidden = !isLoading;
      byId("timeline-beginning").hidden = !this.#room.startsAtBeginning || isLoading;
      keepFocus(this.#messages, this.#scroller, () => this.#renderMessages(rows));
      keepFocus(this.#pending, byId("draft"), () => this.#renderPending());
    });
    this.#countUnread(rows, knownIndex);
    this.#markRead();
    this.#loadIfNeeded();
  }

  /** @param {Row[]} rows */
  #renderMessages(rows) {
    const context = {
      ownId: this.#room.self.id,
      now: this.#clock.now(),
      loadGap: (/** @type {import("./message_reducer.js").Gap} */ gap) => this.#room.loadGap(gap),
      onUnfold: () => this.#anchor.stay(),
    };
    this.#messageRows.update(
      rows.map((row) => ({
        key: row.key,
        version: `${row.version} ${row.kind === "message" && row.startsGroup}`,
        render: () => renderRow(row, context),
      })),
    );
  }

  #renderPending() {
    const { isStalled, pending: items } = this.#room;
    const actions = {
      retry: (/** @type {string} */ cid) => this.#room.retry(cid),
      remove: (/** @type {string} */ cid) => this.#room.discard(cid),
      onUnfold: () => this.#anchor.stay(),
    };
    this.#pendingRows.update(
      items.map((item) => ({
        key: item.cid,
        version: `${item.state} ${isStalled}`,
        render: () => renderPendingSend(item, isStalled, actions),
      })),
    );
  }

  /**
   * A screen reader speaks new messages, but not a page of history or what was there before.
   *
   * @param {Row[]} rows
   * @param {number} knownIndex of the newest row that was rendered before; -1 if it is gone
   */
  #setLiveRegion(rows, knownIndex) {
    const isCatchingUp = this.#isCatchingUp;
    this.#isCatchingUp = this.#room.isReplaying;
    const wasDiscarded = knownIndex < 0 && this.#newestKey !== "";
    const isQuiet =
      isCatchingUp ||
      rows.some(
        (row, index) =>
          row.kind === "message" &&
          !this.#messageRows.has(row.key) &&
          (wasDiscarded || index < knownIndex || this.#room.isReplayed(row.seq)),
      );
    const log = /** @type {HTMLElement} */ (this.#messages.parentElement);
    log.setAttribute("aria-live", isQuiet ? "off" : "polite");
    // One frame later the inserted rows no longer count as additions.
    if (isQuiet) requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  }

  /**
   * @param {Row[]} rows
   * @param {number} knownIndex
   */
  #countUnread(rows, knownIndex) {
    // While the newest messages are unloaded, those that arrive are not here to be counted.
    if (this.#anchor.isAtBottom || this.#room.isDetached) this.#unread = 0;
    else this.#unread += rows.slice(knownIndex + 1).filter(({ kind }) => kind === "message").length;
    this.#newestKey = rows.at(-1)?.key ?? "";
    this.#renderJumpButton();
  }

  #renderJumpButton() {
    keepFocus(this.#jumpButton, this.#scroller, () => {
      this.#jumpButton.hidden = this.#anchor.isAtBottom;
    });
    const label = this.#unread === 0 ? "Jump to the newest" : `${this.#unread} new below`;
    if (this.#jumpButton.textContent !== label) this.#jumpButton.textContent = label;
  }

  /** What is at the bottom of a visible window has been seen. */
  #markRead() {
    if (!this.#anchor.isAtBottom || this.#room.isDetached || document.visibilityState !== "visible") return;
    const newest = this.#room.items.at(-1);
    if (newest !== undefined && newest.kind !== "gap") this.#room.markRead(newest.seq);
  }

  // -- Scrolling --

  #onScroll() {
    if (this.#anchor.isAtBottom) this.#unread = 0;
    this.#markRead();
    this.#renderJumpButton();
    // The events of a replay may be in the timeline and not yet in the view: its top is then visible without scrolling.
    // The scheduled render loads older events once its rows are there.
    if (!this.#isScheduled) this.#loadIfNeeded();
  }

  #loadIfNeeded() {
    if (this.#room.hasOlder && this.#anchor.isNearTop) {
      this.#room.loadOlder();
      return;
    }
    const end = this.#room.isDetached ? this.#messages.lastElementChild : null;
    if (end !== null && this.#anchor.isNear(end)) this.#room.loadNewer();
  }
}
