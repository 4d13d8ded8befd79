/**
 * Renders the timeline and the outbox, at most once per frame, and touches only the rows that changed: a replay may
 * bring a thousand events at once, and a screen reader must hear each message once.
 */

import { byId, keepFocus } from "../ui/dom.js";
import { groupMessages } from "./message_groups.js";
import { reduceMessages } from "./message_reducer.js";
import { renderPendingSend, renderRow } from "./message_view.js";
import { ScrollAnchor } from "./scroll_anchor.js";

/** Events that are kept while the reader is at the newest one. */
const MAX_EVENTS_AT_BOTTOM = 1_000;

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
    () => !this.#timeline.isDetached,
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
  #timeline;
  #outbox;
  #subscription;
  #ownId;
  #clock;

  /**
   * @param {object} options
   * @param {import("./timeline.js").Timeline} options.timeline
   * @param {import("./outbox.js").Outbox} options.outbox
   * @param {import("./room_subscription.js").RoomSubscription} options.subscription
   * @param {string} options.ownId
   * @param {import("../clock.js").Clock} options.clock
   */
  constructor({ timeline, outbox, subscription, ownId, clock }) {
    this.#timeline = timeline;
    this.#outbox = outbox;
    this.#subscription = subscription;
    this.#ownId = ownId;
    this.#clock = clock;
    this.#jumpButton.addEventListener("click", () => this.scrollToNewest(), { signal: this.#abort.signal });
  }

  /** Older events were loaded. */
  pageLoaded() {
    this.#isCatchingUp = true;
  }

  /** Render in the next frame. */
  schedule() {
    if (this.#timeline.isReplaying) this.#isCatchingUp = true;
    if (this.#isScheduled || this.#abort.signal.aborted) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      if (!this.#abort.signal.aborted) this.#render();
    });
  }

  scrollToNewest() {
    if (this.#timeline.isDetached) {
      this.#timeline.attach();
      this.schedule();
    }
    this.#anchor.scrollToBottom();
    this.#onScroll();
  }

  /** Remove the conversation from the page. */
  close() {
    this.#abort.abort();
    this.#messages.replaceChildren();
    this.#pending.replaceChildren();
    this.#jumpButton.hidden = true;
  }

  // -- Rendering --

  #render() {
    if (this.#anchor.isAtBottom) this.#timeline.trim(MAX_EVENTS_AT_BOTTOM);
    const rows = groupMessages(reduceMessages(this.#timeline.segments));
    const knownIndex = rows.findLastIndex(({ key }) => key === this.#newestKey);
    this.#setLiveRegion(rows, knownIndex);
    this.#anchor.preserve(this.#messages.children, () => {
      const { isLoading } = this.#subscription;
      byId("timeline-loading").hidden = !isLoading;
      byId("timeline-beginning").hidden = !this.#timeline.startsAtBeginning || isLoading;
      keepFocus(this.#messages, this.#scroller, () => this.#renderMessages(rows));
      keepFocus(this.#pending, byId("draft"), () => this.#renderPending());
    });
    this.#countUnread(rows, knownIndex);
    this.#loadIfNeeded();
  }

  /** @param {Row[]} rows */
  #renderMessages(rows) {
    const context = {
      ownId: this.#ownId,
      now: this.#clock.now(),
      loadOlder: (/** @type {number} */ id) => this.#subscription.loadOlder(id),
      loadNewer: () => this.#subscription.loadNewer(),
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
    const { isStalled, items } = this.#outbox;
    const actions = {
      retry: (/** @type {string} */ cid) => this.#outbox.retry(cid),
      remove: (/** @type {string} */ cid) => this.#outbox.remove(cid),
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
    this.#isCatchingUp = this.#timeline.isReplaying;
    const wasDiscarded = knownIndex < 0 && this.#newestKey !== "";
    const isQuiet =
      isCatchingUp ||
      rows.some(
        (row, index) =>
          row.kind === "message" &&
          !this.#messageRows.has(row.key) &&
          (wasDiscarded || index < knownIndex || this.#timeline.isReplayed(row)),
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
    if (this.#anchor.isAtBottom || this.#timeline.isDetached) this.#unread = 0;
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

  // -- Scrolling --

  #onScroll() {
    if (this.#anchor.isAtBottom) this.#unread = 0;
    this.#renderJumpButton();
    // The events of a replay may be in the timeline and not yet in the view: its top is then visible without scrolling.
    // The scheduled render loads older events once its rows are there.
    if (!this.#isScheduled) this.#loadIfNeeded();
  }

  #loadIfNeeded() {
    const segment = this.#timeline.segments.at(0);
    if (segment?.hasOlder && this.#anchor.isNearTop) {
      this.#subscription.loadOlder(segment.id);
      return;
    }
    const end = this.#timeline.isDetached ? this.#messages.lastElementChild : null;
    if (end !== null && this.#anchor.isNear(end)) this.#subscription.loadNewer();
  }
}

/** The children of a list, updated in place: an element whose row looks the same is kept. */
class RowList {
  #list;
  /** @type {Map<string, {node: HTMLElement, version: string}>} */
  #rendered = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {string} key */
  has(key) {
    return this.#rendered.has(key);
  }

  /** @param {{key: string, version: string, render(): HTMLElement}[]} rows */
  update(rows) {
    this.#removeOthers(new Set(rows.map(({ key }) => key)));
    let next = this.#list.firstElementChild;
    for (const { key, version, render } of rows) {
      let entry = this.#rendered.get(key);
      if (entry === undefined || entry.version !== version) {
        const node = render();
        if (next !== null && entry?.node === next) next = next.nextElementSibling;
        entry?.node.remove();
        entry = { node, version };
        this.#rendered.set(key, entry);
      }
      if (entry.node === next) next = next.nextElementSibling;
      else this.#list.insertBefore(entry.node, next);
    }
  }

  /** @param {Set<string>} keys */
  #removeOthers(keys) {
    for (const [key, { node }] of this.#rendered) {
      if (keys.has(key)) continue;
      node.remove();
      this.#rendered.delete(key);
    }
  }
}
