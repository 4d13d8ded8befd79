/** The members of the room that is shown: who is online, their roles, and what can be done about each. */

import { text } from "../../strings/strings.js";
import { byId, button, element } from "../../ui/dom.js";
import { closeLayer, openLayer } from "../../ui/layers.js";
import { menuButton } from "../../ui/menu.js";
import { closeButton } from "../../ui/modal.js";
import { SearchList } from "../../ui/lists/search_list.js";
import { openInviteDialog } from "./invite_dialog.js";
import { membersLoader, renderMemberText } from "./listed_members.js";
import { memberActions } from "./member_actions.js";
import { renderRestrictions } from "./restrictions.js";

/** @typedef {import("../../rooms/room_api.js").ListedMember} ListedMember */

export class MembersPanel {
  #context;
  #panel = byId("members-panel");
  #opener = byId("open-members");
  #abort = new AbortController();
  #unsubscribe;
  /** @type {import("../../rooms/room.js").Room | null} */
  #room = null;
  /** @type {SearchList<ListedMember> | null} */
  #list = null;
  /** Members whose dots are shown. @type {Map<string, HTMLElement>} */
  #dots = new Map();
  #isAbove = window.matchMedia("(max-width: 64rem)");
  #close = () => this.close();
  #version = "";

  /** @param {import("../context.js").RoomDialogContext} context */
  constructor(context) {
    this.#context = context;
    const { signal } = this.#abort;
    this.#panel.addEventListener(
      "keydown",
      (event) => {
        if (event.key === "Escape") this.close();
      },
      { signal },
    );
    this.#unsubscribe = context.store.subscribe(() => this.#update());
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }

  open() {
    if (this.#context.store.shown === null) return;
    this.#panel.hidden = false;
    this.#opener.setAttribute("aria-expanded", "true");
    if (this.#isAbove.matches) openLayer(this.#close);
    this.#render();
    this.#panel.querySelector("h2")?.focus();
  }

  close() {
    if (!this.isOpen) return;
    const hadFocus = this.#panel.contains(document.activeElement);
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    this.#room = null;
    this.#opener.setAttribute("aria-expanded", "false");
    closeLayer(this.#close);
    if (hadFocus) this.#opener.focus();
  }

  destroy() {
    this.#abort.abort();
    this.#unsubscribe();
    this.close();
  }

  #update() {
    if (!this.isOpen) return;
    const room = this.#context.store.shown;
    if (room === null) this.close();
    else if (room !== this.#room || versionOf(room) !== this.#version) this.#render();
    else this.#renderDots();
  }

  #render() {
    const room = this.#context.store.shown;
    if (room === null) return;
    const { api, clock } = this.#context;
    this.#room = room;
    this.#version = versionOf(room);
    this.#dots.clear();
    const load = membersLoader(api, room);
    const list = new SearchList({
      clock,
      label: text("members.search"),
      listLabel: text("members.title"),
      empty: text("members.empty"),
      hasSearch: room.info.kind !== "direct",
      load: async (query, cursor) => {
        const page = await load(query, cursor);
        if (cursor === null) this.#dots.clear();
        return page;
      },
      renderItem: (/** @type {ListedMember} */ member) => this.#renderMember(room, member),
    });
    this.#list = list;
    const reload = () => list.reload();
    const { addMembers, moderate } = room.permissions;
    this.#panel.replaceChildren(
      element(
        "header",
        {},
        element("h2", { id: "members-title", tabindex: "-1" }, text("members.title")),
        closeButton(text("members.close"), this.#close),
      ),
      ...(addMembers && !room.info.archived
        ? [
            button(text("members.invite"), () => openInviteDialog(this.#context, room, reload), {
              class: "secondary invite",
            }),
          ]
        : []),
      list.node,
      ...(moderate
        ? /** @type {const} */ (["mutes", "bans"]).map((kind) =>
            renderRestrictions({ api, clock, roomId: room.id, kind, onLifted: reload }),
          )
        : []),
    );
  }

  /**
   * @param {import("../../rooms/room.js").Room} room
   * @param {ListedMember} member
   */
  #renderMember(room, member) {
    const dot = element("span", { class: "presence" });
    this.#dots.set(member.id, dot);
    this.#renderDots();
    const isSelf = member.id === this.#context.self.id;
    const items = memberActions({
      context: this.#context,
      room,
      member,
      panel: this.#panel,
      onDone: () => this.#list?.reload(),
    });
    return [
      dot,
      renderMemberText(member, isSelf),
      items.length === 0 ? null : menuButton(text("shell.actions_for", { name: member.name }), () => items),
    ];
  }

  #renderDots() {
    for (const [id, dot] of this.#dots) {
      const isOnline = this.#context.store.isOnline(id);
      const state = isOnline === null ? "unknown" : isOnline ? "online" : "offline";
      if (dot.dataset.state === state) continue;
      dot.dataset.state = state;
      dot.className = `presence ${state}`;
      dot.replaceChildren(
        element(
          "span",
          { class: "visually-hidden" },
          isOnline === null ? "" : text(isOnline ? "shell.online" : "shell.offline"),
        ),
      );
    }
  }
}

/**
 * What the panel shows apart from the members: another role has other actions. Notices tell that members have changed.
 *
 * @param {import("../../rooms/room.js").Room} room
 */
function versionOf(room) {
  const lastNotice = room.log.items.findLast(({ kind }) => kind === "notice");
  return `${JSON.stringify(room.permissions)} ${room.info.archived} ${lastNotice?.key ?? ""}`;
}
