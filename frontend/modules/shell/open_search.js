/** Opens the search in messages, whose modules are loaded when they are first needed. */

import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { openModal } from "../ui/modal.js";

/**
 * @param {import("../room_dialogs/context.js").RoomDialogContext} context
 * @param {AbortSignal} signal aborted when the chat is closed
 */
export async function openSearch(context, signal) {
  const open = await import("../search/search_dialog.js").then(
    ({ openSearchDialog }) => openSearchDialog,
    () => openFailure,
  );
  // While the modules were loaded, the chat may have been closed, or another dialog opened.
  if (!signal.aborted && document.querySelector("dialog[open]") === null) open(context);
}

function openFailure() {
  openModal({
    title: text("search.title"),
    content: () => [element("p", { class: "error", role: "alert" }, text("search.not_loaded"))],
  });
}
