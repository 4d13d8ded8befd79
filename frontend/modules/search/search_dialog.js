/**
 * Search in the messages of all rooms. Arrow keys move from the words to the results and between them; Enter and a click
 * on a result go to the message. The dialog opens with the last search of this chat.
 */

import { text } from "../strings/strings.js";
import { openModal } from "../ui/modal.js";
import { PointerPress } from "../ui/lists/pointer_press.js";
import { MessageSearch } from "./message_search.js";
import { NO_FILTERS } from "./search_filters.js";
import { SearchForm } from "./search_form.js";
import { SearchResults } from "./search_results.js";

/**
 * What was searched for last, in each chat: after one result, the person comes back for the next one.
 *
 * @type {WeakMap<import("../rooms/room_store.js").RoomStore, import("./search_filters.js").SearchFilters>}
 */
const lastFilters = new WeakMap();

/** @param {import("../room_dialogs/context.js").RoomDialogContext} context */
export function openSearchDialog({ store, api, clock }) {
  const search = new MessageSearch({
    clock,
    async load(parameters) {
      const page = await api.searchMessages(parameters);
      await press.ended();
      return page;
    },
    onChange: (state) => results.show(state),
  });
  const form = new SearchForm({
    rooms: store.rooms,
    shown: store.shown,
    api,
    clock,
    listener: {
      onType: (filters) => search.schedule(filters),
      onSubmit: (filters) => search.search(filters),
      onArrowDown: () => results.focusFirst(),
    },
  });
  const results = new SearchResults({
    roomTitle: (id) => store.get(id)?.title ?? id,
    words: form.words,
    onMore: () => search.loadMore(),
    onRetry: () => search.retry(),
  });
  const press = new PointerPress(results.node, clock);
  openModal({
    title: text("search.title"),
    className: "message-search",
    onClose() {
      lastFilters.set(store, form.filters);
      search.close();
      form.close();
    },
    content: () => [form.node, results.node],
  });
  form.filters = lastFilters.get(store) ?? NO_FILTERS;
  search.search(form.filters);
}
