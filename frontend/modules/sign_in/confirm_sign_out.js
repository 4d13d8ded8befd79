/** Asks before a sign-out discards what the person has written. */

import { text } from "../strings/strings.js";
import { confirmInModal } from "../ui/modal.js";

/**
 * Sign out, after a question if something would be lost.
 *
 * @param {{unsent: number, drafts: number}} written messages that are not sent yet, in all tabs of this browser
 * @param {() => void} signOut
 */
export function confirmSignOut({ unsent, drafts }, signOut) {
  if (unsent + drafts === 0) {
    signOut();
    return;
  }
  const question = [
    unsent === 0 ? "" : text("session.unsent", { count: unsent }),
    drafts === 0 ? "" : text("session.drafts", { count: drafts }),
    text("session.discard"),
  ];
  confirmInModal({
    question: question.filter((sentence) => sentence !== "").join(" "),
    action: text("session.sign_out"),
    run: signOut,
  });
}
