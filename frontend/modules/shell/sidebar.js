/**
 * The list of rooms and direct conversations. On a phone it is a drawer above the conversation, which Back closes: the
 * open drawer is an entry of the browser's history.
 */

import { text } from "../strings/strings.js";
import { byId, element } from "../ui/dom.js";
import { closeLayer, navigate, openLayer } from "../ui/layers.js";
import { PointerPress } from "../ui/lists/pointer_press.js";
import { RowList } from "../ui/lists/row_list.js";
import { NextFrame } from "../ui/next_frame.js";
import { roomHash } from "../route.js";
import { roomSign } from "./room_sign.js";
import { allRows, sidebarRows, totalUnread } from "./sidebar_rows.js";

const MAX_SHOWN_COUNT = 999;

export class Sidebar {
  #store;
  #onTotal;
  #abort = new AbortController();
  #nextFrame = new NextFrame(() => this.#render(), this.#abort.signal);
  #rooms = new RowList(byId("room-list"));
  #direct = new RowList(byId("direct-list"));
  #press;
  #unsubscribe;
  #close = () => this.#setOpen(false);
  #isNarrow = window.matchMedia("(max-width: 52rem)");

  /**
   * @param {object} options
   * @param {import("../rooms/room_store.js").RoomStore} options.store
   * @param {import("../clock.js").Clock} options.clock
   * @param {(unread: number) => void} options.onTotal
   */
  constructor({ store, clock, onTotal }) {
    this.#store = store;
    this.#onTotal = onTotal;
    const { signal } = this.#abort;
    this.#press = new PointerPress(byId("sidebar"), clock, signal);
    byId("open-sidebar").addEventListener("click", () => this.open(), { signal });
    byId("close-sidebar").addEventListener("click", () => this.close(), { signal });
    byId("sidebar-backdrop").addEventListener("click", () => this.close(), { signal });
    this.#isNarrow.addEventListener("change", () => this.close(), { signal });
    byId("chat").addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Escape" || !this.isOpen) return;
        event.stopPropagation();
        this.close();
      },
      { signal },
    );
    byId("sidebar").addEventListener("click", (event) => this.#onClick(event), { signal });
    this.#unsubscribe = store.subscribe(() => this.#nextFrame.schedule());
    this.#setOpen(false);
    this.#nextFrame.schedule();
  }

  get isOpen() {
    return byId("chat").classList.contains("drawer-open");
  }

  open() {
    if (this.isOpen) return;
    openLayer(this.#close);
    this.#setOpen(true);
    const current = byId("sidebar").querySelector("[aria-current]");
    if (current instanceof HTMLElement) current.focus();
    else byId("close-sidebar").focus();
  }

  close() {
    if (!this.isOpen) return;
    this.#close();
    closeLayer(this.#close);
    byId("open-sidebar").focus();
  }

  destroy() {
    this.#abort.abort();
    this.#unsubscribe();
    this.close();
    this.#rooms.update([]);
    this.#direct.update([]);
  }

  /** @param {boolean} isOpen */
  #setOpen(isOpen) {
    byId("chat").classList.toggle("drawer-open", isOpen);
    byId("sidebar-backdrop").hidden = !isOpen;
    byId("open-sidebar").setAttribute("aria-expanded", String(isOpen));
    byId("sidebar").inert = this.#isNarrow.matches && !isOpen;
    byId("room-pane").inert = this.#isNarrow.matches && isOpen;
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || !this.isOpen || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    navigate(link.hash);
  }

  #render() {
    const rows = sidebarRows(this.#store);
    // A new unread count replaces a row. While it is pressed, that would lose the click.
    if (this.#press.isPressed) this.#press.ended().then(() => this.#nextFrame.schedule());
    else this.#renderLists(rows);
    const total = totalUnread(allRows(rows));
    byId("open-sidebar").setAttribute(
      "aria-label",
      total === 0 ? text("shell.menu") : text("shell.menu_unread", { count: total }),
    );
    byId("open-sidebar").classList.toggle("has-unread", total > 0);
    this.#onTotal(total);
  }

  /** @param {ReturnType<typeof sidebarRows>} rows */
  #renderLists({ rooms, direct }) {
    this.#rooms.update(rooms.map(toListRow));
    this.#direct.update(direct.map(toListRow));
    byId("direct-empty").hidden = direct.length > 0;
  }
}

/** @param {import("./sidebar_rows.js").SidebarRow} row */
function toListRow(row) {
  return { key: row.id, version: JSON.stringify(row), render: () => renderRow(row) };
}

/** @param {import("./sidebar_rows.js").SidebarRow} row */
function renderRow(row) {
  const isUnread = row.unread > 0 && !row.isMuted;
  const classes = ["room-link", isUnread && "unread", row.isMuted && "muted", row.isArchived && "archived"];
  const link = element(
    "a",
    {
      href: roomHash(row.id),
      class: classes.filter(Boolean).join(" "),
      "aria-current": row.isCurrent ? "page" : null,
      "data-testid": "room-link",
    },
    renderSign(row),
    element("bdi", { class: "room-title" }, row.title),
    ...renderStates(row),
    ...renderBadges(row),
  );
  return element("li", {}, link);
}

/** @param {import("./sidebar_rows.js").SidebarRow} row */
function renderSign({ kind, isOnline }) {
  if (kind === "direct") {
    const state = isOnline === null ? "unknown" : isOnline ? "online" : "offline";
    return element(
      "span",
      { class: `presence ${state}` },
      element(
        "span",
        { class: "visually-hidden" },
        isOnline === null ? "" : text(isOnline ? "shell.online" : "shell.offline"),
      ),
    );
  }
  return roomSign(kind);
}

/** @param {import("./sidebar_rows.js").SidebarRow} row */
function renderStates({ kind, isMuted, isArchived, hasDraft }) {
  const states = [];
  if (kind === "private") states.push(hidden(text("shell.private")));
  if (hasDraft) states.push(element("span", { class: "room-state" }, text("shell.draft")));
  if (isArchived) states.push(element("span", { class: "room-state" }, text("shell.archived")));
  if (isMuted) states.push(hidden(text("shell.muted")));
  return states;
}

/** @param {import("./sidebar_rows.js").SidebarRow} row */
function renderBadges({ unread, mentions, isMuted, kind }) {
  const isLoud = mentions > 0 || (kind === "direct" && !isMuted);
  const count = isMuted ? mentions : unread;
  if (count === 0) return [];
  const label = isMuted ? text("shell.mentions", { count }) : text("shell.unread", { count: unread });
  const more = mentions > 0 && !isMuted ? `, ${text("shell.mentions", { count: mentions })}` : "";
  const shown = count > MAX_SHOWN_COUNT ? `${MAX_SHOWN_COUNT}+` : String(count);
  return [
    element(
      "span",
      { class: isLoud ? "unread-count loud" : "unread-count", "data-testid": "unread-count" },
      element("span", { "aria-hidden": "true" }, mentions > 0 ? `@ ${shown}` : shown),
      hidden(`, ${label}${more}`),
    ),
  ];
}

/** @param {string} label */
function hidden(label) {
  return element("span", { class: "visually-hidden" }, ` ${label}`);
}
