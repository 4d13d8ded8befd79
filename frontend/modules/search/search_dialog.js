/**
 * Search in the messages of all rooms. Arrow keys move from the words to the results and between them; Enter and a click
 * on a result go to the message.
 */

import { text } from "../strings/strings.js";
import { openModal } from "../ui/modal.js";
import { MessageSearch } from "./message_search.js";
import { SearchForm } from "./search_form.js";
import { SearchResults } from "./search_results.js";

/** @param {import("../room_dialogs/context.js").RoomDialogContext} context */
export function openSearchDialog({ store, api, clock }) {
  const search = new MessageSearch({
    clock,
    load: (parameters) => api.searchMessages(parameters),
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
  openModal({
    title: text("search.title"),
    className: "message-search",
    onClose() {
      search.close();
      form.close();
    },
    content: () => [form.node, results.node],
  });
}
