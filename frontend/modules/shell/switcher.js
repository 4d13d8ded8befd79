/**
 * Go to a room or a person by the keyboard: a search box over the rooms of the user, and over people. The focus stays in
 * the box, arrow keys move the selection.
 *
 * @typedef {{key: string, title: string, kind: "public" | "private" | "direct" | "person", unread: number, run(): void}}
 *   Target
 */

import { messageOf } from "../error_text.js";
import { openDirect } from "../room_dialogs/open_direct.js";
import { roomHash } from "../route.js";
import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { navigate } from "../ui/layers.js";
import { ListboxSelection } from "../ui/lists/listbox_selection.js";
import { openModal } from "../ui/modal.js";
import { matchScore } from "./fuzzy_match.js";
import { roomSign } from "./room_sign.js";

const MAX_ROOMS = 12;
const MAX_PEOPLE = 5;
const DELAY_MS = 150;

/** @param {import("../room_dialogs/context.js").RoomDialogContext} context */
export function openSwitcher({ store, api, self, clock }) {
  const list = element("ul", { id: "switcher-list", role: "listbox", "aria-label": text("switcher.results") });
  const status = element("p", { class: "hint", role: "status" });
  const input = element("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-expanded": "true",
    "aria-controls": list.id,
    "aria-label": text("switcher.label"),
    placeholder: text("switcher.label"),
    autofocus: true,
  });
  /** @type {Target[]} */
  let targets = [];
  const selection = new ListboxSelection(input, list);
  let generation = 0;
  let cancelTimer = () => {};

  /** @param {Target[]} found */
  function show(found) {
    targets = found;
    selection.show(found.map(renderTarget));
    status.textContent = found.length === 0 ? text("switcher.empty") : "";
  }

  function search() {
    const query = input.value.trim();
    const rooms = matchingRooms(store, query);
    show(rooms);
    cancelTimer();
    generation += 1;
    if (query !== "") cancelTimer = clock.schedule(DELAY_MS, () => void addPeople(query, rooms, generation));
  }

  /**
   * @param {string} query
   * @param {Target[]} rooms
   * @param {number} current
   */
  async function addPeople(query, rooms, current) {
    const { users } = await api.findUsers(query).catch(() => ({ users: [] }));
    if (current !== generation) return;
    const known = new Set(
      store.rooms.flatMap(({ info }) => (info.kind === "direct" && info.users?.length === 1 ? [info.users[0].id] : [])),
    );
    const people = users.filter(({ id }) => id !== self.id && !known.has(id)).slice(0, MAX_PEOPLE);
    const { index } = selection;
    show([
      ...rooms,
      ...people.map(({ id, name }) => ({
        key: id,
        title: name,
        kind: /** @type {const} */ ("person"),
        unread: 0,
        run: () => void openDirect(api, [id]).catch((error) => (status.textContent = messageOf(error))),
      })),
    ]);
    selection.select(index);
  }

  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") targets[selection.index]?.run();
    else if (!selection.handleKey(event)) return;
    event.preventDefault();
  });
  list.addEventListener("click", ({ target }) => {
    targets[selection.indexOf(target)]?.run();
  });
  openModal({
    title: text("switcher.title"),
    className: "switcher",
    onClose: () => cancelTimer(),
    content: () => [input, list, status],
  });
  search();
}

/**
 * @param {import("../rooms/room_store.js").RoomStore} store
 * @param {string} query
 * @returns {Target[]} the best ones; without a query, unread rooms first
 */
function matchingRooms(store, query) {
  const found = [];
  for (const room of store.rooms) {
    const score = matchScore(room.title, query);
    if (score === null || (query === "" && room === store.shown)) continue;
    const { count, mentions } = room.reading.unread;
    const unread = room.info.muted ? mentions : count;
    found.push({ room, unread, score: score + (mentions > 0 ? 0.4 : unread > 0 ? 0.2 : 0) });
  }
  found.sort((a, b) => b.score - a.score || a.room.title.localeCompare(b.room.title));
  return found.slice(0, MAX_ROOMS).map(({ room, unread }) => ({
    key: room.id,
    title: room.title,
    kind: room.info.kind,
    unread,
    run: () => navigate(roomHash(room.id)),
  }));
}

/** @param {Target} target */
function renderTarget({ title, kind, unread }) {
  return element(
    "li",
    { role: "option" },
    roomSign(kind),
    element("bdi", { class: "room-title" }, title),
    kind === "person" ? element("span", { class: "hint" }, text("members.message")) : null,
    unread === 0 ? null : element("span", { class: "unread-count" }, text("shell.unread", { count: unread })),
  );
}
