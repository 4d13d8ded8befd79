/** The messages of a room as a file, for its owners. */

import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { saveFile } from "../ui/save_file.js";
import { showError } from "./dialog_error.js";

const FORMATS = /** @type {const} */ (["html", "jsonl"]);

/**
 * @param {object} options
 * @param {import("../net/http/download.js").Download} options.download
 * @param {import("../rooms/room_api.js").RoomDetails} options.room
 * @returns {HTMLElement}
 */
export function renderExport({ download, room }) {
  const details = element("details", {}, element("summary", {}, text("room.export")));
  const hint = element("p", { class: "hint" }, text("room.export_hint"));
  const status = element("p", { class: "hint", role: "status" });

  /** @param {"html" | "jsonl"} format */
  async function save(format) {
    status.textContent = text("room.export_loading");
    try {
      const file = await download(`/api/rooms/${encodeURIComponent(room.id)}/export?format=${format}`);
      saveFile(file, `cloudchat-${room.name.replaceAll(/[^\p{L}\p{N}_-]+/gu, "-")}.${format}`);
    } catch (error) {
      showError(details, error);
    } finally {
      status.textContent = "";
    }
  }

  const buttons = FORMATS.map((format) =>
    button(text(`room.export.${format}`), () => void save(format), { class: "secondary" }),
  );
  details.append(hint, element("div", { class: "buttons" }, ...buttons), status);
  return details;
}
