/**
 * A form in a dialog: labelled controls named like the fields of the request, one button, and the server's error
 * next to the field that it names.
 *
 * @typedef {object} Field
 * @property {string} name of the field in the request
 * @property {string} label
 * @property {string} [hint]
 * @property {(text: string) => string} [clean] applied before the value is sent
 * @property {[value: string, label: string][]} [options] makes a select instead of an input
 * @property {import("./dom.js").Attributes} [attributes] of the control
 */

import { formatSpan } from "../format.js";
import { text } from "../strings/strings.js";
import { element, formControl, formValues } from "./dom.js";
import { FieldError, fieldOf, FormErrors } from "./form_errors.js";

/**
 * Return options for a select of spans of time.
 *
 * @param {readonly number[]} seconds
 * @returns {[value: string, label: string][]}
 */
export function spanOptions(seconds) {
  return seconds.map((value) => [String(value), formatSpan(value)]);
}

/** Attributes of a control in which a person types a username. */
export const USERNAME_ATTRIBUTES = { autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true };

let lastId = 0;

/**
 * @param {object} options
 * @param {string} options.label of the form, for people who cannot see what is around it
 * @param {Field[]} options.fields
 * @param {string} options.submit label of the button
 * @param {(values: Record<string, string>) => Promise<void>} options.send rejects with ApiError or FieldError
 * @param {import("../clock.js").Clock} options.clock
 * @param {[name: string, node: HTMLElement][]} [options.extra] more controls after the fields, by their name in the
 *   request
 * @param {string} [options.username] whose password the form asks for; password managers file it under that
 * @returns {HTMLFormElement}
 */
export function createForm({ label, fields, submit, send, clock, extra = [], username }) {
  const output = element("p", { class: "error", role: "alert", hidden: true, id: `form-error-${(lastId += 1)}` });
  const submitButton = element("button", { class: "primary", type: "submit" }, submit);
  const groups = new Map([...fields.map((field) => /** @type {const} */ ([field.name, renderField(field)])), ...extra]);
  const form = element(
    "form",
    { class: "settings-form", "aria-label": label, novalidate: true },
    output,
    username === undefined ? null : renderUsername(username),
    ...groups.values(),
    submitButton,
  );
  const errors = new FormErrors({ form, output, submit: submitButton, clock });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (submitButton.disabled) return;
    errors.clear();
    form.prepend(output);
    const empty = fields.find(
      ({ name, attributes }) => attributes?.required && formControl(form, name).value.trim() === "",
    );
    if (empty !== undefined) {
      const error = new FieldError(text("error.empty_field"), empty.name);
      errors.show(error);
      moveToField(error);
      return;
    }
    const values = formValues(form);
    for (const { name, clean } of fields) if (clean !== undefined) values[name] = clean(values[name]);
    errors.submit(() => send(values), moveToField);
  });

  /**
   * Move the error message and the focus to the field that the error names.
   *
   * @param {Error} error
   */
  function moveToField(error) {
    const [name] = (fieldOf(error) ?? "").split(".");
    const group = groups.get(name);
    const control = group?.querySelector("input, select");
    if (group === undefined || !(control instanceof HTMLElement)) return;
    group.append(output);
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-errormessage", output.id);
    control.focus();
  }

  return form;
}

/**
 * A form that is hidden behind its title until it is needed.
 *
 * @param {string} title
 * @param {HTMLFormElement} form
 * @param {string} [className]
 * @returns {HTMLElement}
 */
export function collapsed(title, form, className = "") {
  return element("details", { class: className }, element("summary", {}, title), form);
}

/** @param {string} value */
function renderUsername(value) {
  // Not part of the request: a control without a name is not among the form's values.
  return element("input", {
    class: "password-manager-hint",
    autocomplete: "username",
    tabindex: "-1",
    "aria-hidden": "true",
    readonly: true,
    value,
  });
}

/** @param {Field} field */
function renderField({ name, label, hint, options, attributes = {} }) {
  const id = `field-${(lastId += 1)}`;
  const common = { id, name, "aria-describedby": hint === undefined ? null : `${id}-hint`, ...attributes };
  const control =
    options === undefined
      ? element("input", common)
      : element("select", common, ...options.map(([value, title]) => element("option", { value }, title)));
  return element(
    "div",
    { class: "field" },
    element("label", { for: id }, label),
    control,
    hint === undefined ? null : element("p", { class: "hint", id: `${id}-hint` }, hint),
  );
}
