/** From a dialog into the room that it created, joined or opened. */

import { roomHash } from "../route.js";
import { navigate } from "../ui/layers.js";

/**
 * Close the dialog and show the room. A dialog gives the focus back to the button that opened it, and what the person
 * typed next would be lost: without a focus, the room takes it when it is shown.
 *
 * @param {string} id
 */
export function enterRoom(id) {
  const hash = roomHash(id);
  const isShown = location.hash === hash;
  navigate(hash);
  if (!isShown && document.activeElement instanceof HTMLElement) document.activeElement.blur();
}
