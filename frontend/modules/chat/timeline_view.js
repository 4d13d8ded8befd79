/**
 * Draws the timeline and the outbox, at most once per frame, touching only the rows that changed: the
 * log may get a thousand events in one reply, and a screen reader must hear of each message once.
 */

import { byId, keepFocus } from "./dom.js";
import { fold } from "./fold.js";
import { drawRow, drawWaiting } from "./row_view.js";
import { rowsOf } from "./rows.js";
import { ScrollKeeper } from "./scroll_keeper.js";
import { MOST } from "./timeline.js";

/** Events that stay while the reader is at the newest. */
const KEEP = 1_000;

export class TimelineView {
  #scroller = byId("scroller");
  #messages = byId("messages");
  #waiting = byId("waiting");
  #newest = byId("newest");
  #abort = new AbortController();
  #keeper = new ScrollKeeper(this.#scroller, this.#abort.signal);
  /** @type {Map<string, {node: HTMLElement, version: string}>} */
  #drawn = new Map();
  #scheduled = false;
  #unread = 0;
  #lastSeen = "";
  #source;

  /**
   * @param {object} source
   * @param {import("./timeline.js").Timeline} source.timeline
   * @param {import("./outbox.js").Outbox} source.outbox
   * @param {string} source.ownId
   * @param {() => boolean} source.paging
   * @param {(run: number) => void} source.loadOlder
   */
  constructor(source) {
    this.#source = source;
    const { signal } = this.#abort;
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true, signal });
    this.#newest.addEventListener("click", () => this.showNewest(), { signal });
  }

  /** Something changed; draw soon. */
  changed() {
    if (this.#scheduled || this.#abort.signal.aborted) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      if (!this.#abort.signal.aborted) this.#draw();
    });
  }

  showNewest() {
    this.#keeper.toBottom();
    this.#scrolled();
  }

  /** Leaves nothing of the conversation in the page. */
  close() {
    this.#abort.abort();
    this.#messages.replaceChildren();
    this.#waiting.replaceChildren();
    this.#newest.hidden = true;
  }

  #draw() {
    const { timeline, outbox, paging } = this.#source;
    if (this.#keeper.pinned) timeline.trim(KEEP);
    const rows = rowsOf(fold(timeline.runs));
    const known = rows.findLastIndex((row) => row.key === this.#lastSeen);
    this.#speak(rows, known);
    this.#keeper.around(this.#messages.children, () => {
      byId("paging").hidden = !paging();
      byId("beginning").hidden = !timeline.begins || paging();
      const context = { ownId: this.#source.ownId, fill: this.#source.loadOlder };
      keepFocus(this.#messages, this.#scroller, () =>
        this.#place(this.#messages, rows, (row) => drawRow(row, context), (row) => `${row.version} ${row.opens}`));
      const { stalled } = outbox;
      const waiting = outbox.items.map((item) => ({ ...item, stalled, key: `waiting ${item.cid}` }));
      const actions = { retry: (cid) => outbox.retry(cid), remove: (cid) => outbox.remove(cid) };
      keepFocus(this.#waiting, byId("draft"), () =>
        this.#place(this.#waiting, waiting, (item) => drawWaiting(item, actions), (item) => `${item.state} ${stalled}`));
    });
    this.#countUnread(rows, known);
    this.#pageIfNeeded();
  }

  /** Makes the list's children those rows, keeping every element whose row looks the same. */
  #place(list, rows, draw, versionOf) {
    const keys = new Set(rows.map((row) => row.key));
    for (const [key, { node }] of this.#drawn) {
      if (node.parentElement !== list || keys.has(key)) continue;
      node.remove();
      this.#drawn.delete(key);
    }
    let next = list.firstElementChild;
    for (const row of rows) {
      const version = versionOf(row);
      let drawn = this.#drawn.get(row.key);
      if (drawn === undefined || drawn.version !== version) {
        const node = draw(row);
        if (drawn?.node === next) next = next.nextElementSibling;
        drawn?.node.remove();
        drawn = { node, version };
        this.#drawn.set(row.key, drawn);
      }
      if (drawn.node === next) next = next.nextElementSibling;
      else list.insertBefore(drawn.node, next);
    }
  }

  /** A screen reader says what comes in now; a page of history or what was there before is for reading. */
  #speak(rows, known) {
    const forgotten = known < 0 && this.#lastSeen !== "";
    const isOld = (row, index) => forgotten || index < known || this.#source.timeline.isBacklog(row);
    const quiet = rows.some((row, index) => row.kind === "message" && !this.#drawn.has(row.key) && isOld(row, index));
    const log = this.#messages.parentElement;
    log.setAttribute("aria-live", quiet ? "off" : "polite");
    // A frame later what was put in is no addition any more.
    if (quiet) requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  }

  #countUnread(rows, known) {
    if (this.#keeper.pinned) this.#unread = 0;
    else this.#unread += rows.slice(known + 1).filter(({ kind }) => kind === "message").length;
    this.#lastSeen = rows.at(-1)?.key ?? "";
    this.#offerNewest();
  }

  #offerNewest() {
    keepFocus(this.#newest, this.#scroller, () => {
      this.#newest.hidden = this.#keeper.pinned;
    });
    const words = this.#unread === 0 ? "Jump to the newest" : `${this.#unread} new below`;
    if (this.#newest.textContent !== words) this.#newest.textContent = words;
  }

  #scrolled() {
    if (this.#keeper.pinned) this.#unread = 0;
    this.#offerNewest();
    this.#pageIfNeeded();
  }

  #pageIfNeeded() {
    const { timeline, loadOlder } = this.#source;
    const [run] = timeline.runs;
    if (run?.more && this.#keeper.nearTop && timeline.size < MOST) loadOlder(run.id);
  }
}
