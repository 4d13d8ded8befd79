/** Says below the box of a new password, while it is typed, what would make the password stronger. */

import { text } from "../strings/strings.js";
import { element } from "../ui/dom.js";
import { strengthOf } from "./password_strength.js";

/** A screen reader hears the advice when the typing pauses, not with each key. */
const PAUSE_MS = 1_000;
/** How much of the bar is filled: words say the same. */
const LEVELS = { short: 0, long: 0, repeated: 0, predictable: 1, few_words: 2, good: 3 };

/**
 * Replace the rule below a password box with advice about what is typed.
 *
 * @param {object} options
 * @param {HTMLInputElement | HTMLSelectElement} options.input in a field with the rule as its hint
 * @param {() => string} options.username
 * @param {import("../clock.js").Clock} options.clock
 * @returns {() => void} renders again, for example after the rule was hidden or shown
 */
export function showPasswordHint({ input, username, clock }) {
  const rule = ruleOf(input);
  const ruleText = rule.textContent;
  const status = element("span", { class: "visually-hidden", role: "status" });
  rule.after(status);
  let cancel = () => {};

  function render() {
    cancel();
    if (input.value === "" || rule.hidden) {
      rule.replaceChildren(ruleText);
      status.textContent = "";
      return;
    }
    const { verdict, missing } = strengthOf(input.value, username());
    const advice = text(`password_hint.${verdict}`, { count: missing });
    const bar = element("meter", { min: "0", max: "3", low: "1.5", high: "2.5", optimum: "3", "aria-hidden": "true" });
    bar.value = LEVELS[verdict];
    rule.replaceChildren(bar, ` ${advice}`);
    cancel = clock.schedule(PAUSE_MS, () => (status.textContent = advice));
  }

  input.addEventListener("input", render);
  // The form is empty only after the event.
  input.form?.addEventListener("reset", () => void Promise.resolve().then(render));
  render();
  return render;
}

/** @param {HTMLElement} input */
function ruleOf(input) {
  const rule = input.closest(".field")?.querySelector(".hint");
  if (rule instanceof HTMLElement) return rule;
  throw new TypeError("the field has no rule");
}
