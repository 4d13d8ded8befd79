/** The colours and the language of the page on this device. */

import { THEMES } from "../appearance.js";
import { LANGUAGES, text } from "../strings/strings.js";
import { element } from "../ui/dom.js";

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function appearanceSection({ appearance }) {
  const theme = renderSelect(
    text("appearance.theme"),
    THEMES.map((value) => [value, text(`appearance.${value}`)]),
    appearance.theme,
    (value) => appearance.setTheme(THEMES.find((one) => one === value) ?? "system"),
  );
  const language = renderSelect(
    text("appearance.language"),
    [
      ["", text("appearance.browser")],
      ...Object.entries(LANGUAGES).map(([tag, { name }]) => /** @type {[string, string]} */ ([tag, name])),
    ],
    appearance.language,
    (value) => {
      appearance.setLanguage(value);
      location.reload(); // nothing unsent is lost: drafts and the outbox are stored
    },
  );
  return [element("div", { class: "settings-form" }, theme, language)];
}

let lastId = 0;

/**
 * @param {string} label
 * @param {[value: string, label: string][]} options
 * @param {string} current
 * @param {(value: string) => void} onChange
 */
function renderSelect(label, options, current, onChange) {
  const id = `appearance-${(lastId += 1)}`;
  const select = element(
    "select",
    { id },
    ...options.map(([value, name]) => element("option", { value, selected: value === current }, name)),
  );
  select.addEventListener("change", () => onChange(select.value));
  return element("div", { class: "field" }, element("label", { for: id }, label), select);
}
