/** Keys that work everywhere in the chat, and the list of them. */

import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { openModal } from "../ui/modal.js";

const isApple = /Mac|iPhone|iPad/u.test(navigator.userAgent);
export const MODIFIER = isApple ? "⌘" : "Ctrl";

/**
 * @typedef {object} ShortcutActions
 * @property {() => void} openSwitcher
 * @property {() => void} openSearch
 * @property {(step: 1 | -1, onlyUnread: boolean) => void} goToNext
 * @property {() => void} toggleMembers
 * @property {() => void} openSettings
 */

/**
 * @param {ShortcutActions} actions
 * @param {AbortSignal} signal
 */
export function listenToShortcuts(actions, signal) {
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing || event.defaultPrevented) return;
      const action = actionOf(event, actions);
      if (action === null) return;
      event.preventDefault();
      action();
    },
    { signal },
  );
}

/**
 * @param {KeyboardEvent} event
 * @param {ShortcutActions} actions
 * @returns {(() => void) | null}
 */
function actionOf(event, actions) {
  const { key, altKey, shiftKey, target } = event;
  const hasModifier = isApple ? event.metaKey : event.ctrlKey;
  // Behind a dialog, nothing happens.
  if (document.querySelector("dialog[open]") !== null) return null;
  if (hasModifier && !altKey && !shiftKey && key.toLowerCase() === "k") return actions.openSwitcher;
  if (hasModifier && !altKey && shiftKey && key.toLowerCase() === "f") return actions.openSearch;
  if (hasModifier && !altKey && !shiftKey && key === ",") return actions.openSettings;
  if (hasModifier && !altKey && !shiftKey && key.toLowerCase() === "m") return actions.toggleMembers;
  if (altKey && !hasModifier && (key === "ArrowDown" || key === "ArrowUp")) {
    const step = key === "ArrowDown" ? 1 : -1;
    return () => actions.goToNext(step, shiftKey);
  }
  const isWriting = target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
  const isEmptyDraft = target instanceof HTMLTextAreaElement && target.value === "";
  return key === "?" && !altKey && !hasModifier && (!isWriting || isEmptyDraft) ? openShortcutList : null;
}

export function openShortcutList() {
  /** @type {[keys: string[], label: string][]} */
  const rows = [
    [[MODIFIER, "K"], text("shortcuts.switch")],
    [[MODIFIER, "Shift", "F"], text("shortcuts.search")],
    [["Alt", "↓"], text("shortcuts.next")],
    [["Alt", "↑"], text("shortcuts.previous")],
    [["Alt", "Shift", "↓"], text("shortcuts.next_unread")],
    [[MODIFIER, "M"], text("shortcuts.members")],
    [[MODIFIER, ","], text("shortcuts.settings")],
    [["Enter"], text("shortcuts.send")],
    [["Shift", "Enter"], text("shortcuts.new_line")],
    [["↑"], text("shortcuts.edit_last")],
    [["Esc"], text("shortcuts.escape")],
    [["?"], text("shortcuts.help")],
  ];
  openModal({
    title: text("shortcuts.title"),
    className: "shortcuts",
    content: () => [
      element(
        "dl",
        {},
        ...rows.map(([keys, label]) =>
          element(
            "div",
            {},
            element("dt", {}, label),
            element("dd", {}, ...keys.map((key) => element("kbd", {}, key))),
          ),
        ),
      ),
    ],
  });
}
