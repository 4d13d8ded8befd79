/**
 * A form that speaks to the server: labelled controls named as the fields of the request, one button, and
 * the refusal shown at the field that the server named.
 *
 * @typedef {object} Field
 * @property {string} name as in the request
 * @property {string} label
 * @property {string} [advice]
 * @property {[string, string][]} [options] value and words: a select instead of an input
 * @property {Record<string, string | boolean>} [attributes] of the control
 */

import { element } from "../dom.js";
import { explain } from "../refusal.js";

let made = 0;

/**
 * @param {object} options
 * @param {string} options.label of the form, for those who can't see what is around it
 * @param {Field[]} options.fields
 * @param {string} options.submit
 * @param {(values: any, form: HTMLFormElement) => Promise<void>} options.run rejects with ApiError
 * @param {import("../clock.js").Clock} options.clock
 * @param {[string, HTMLElement][]} [options.extra] further controls after the fields, by their name in the request
 * @param {string} [options.username] whose password the form asks for: password stores go by that
 * @returns {HTMLFormElement}
 */
export function createForm({ label, fields, submit, run, clock, extra = [], username }) {
  const error = element("p", { class: "error", role: "alert", hidden: true, id: `form-error-${(made += 1)}` });
  const send = element("button", { class: "primary", type: "submit" }, submit);
  const places = new Map([...fields.map((field) => [field.name, drawField(field)]), ...extra]);
  const form = element("form", { class: "asking", "aria-label": label, novalidate: true },
    error, username === undefined ? null : drawUsername(username), ...places.values(), send);
  const refusal = explain(error, send, clock);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (send.disabled) return;
    refusal.clear();
    form.prepend(error);
    const empty = fields.find(({ name, attributes }) => attributes?.required && form.elements.namedItem(name).value.trim() === "");
    if (empty !== undefined) return refuse(Object.assign(new Error("Fill this in."), { field: empty.name }));
    refusal.during(() => run(Object.fromEntries(new FormData(form)), form), point);
  });

  /** The words go to where the mend is. */
  function point({ field }) {
    const place = places.get(String(field ?? "").split(".")[0]);
    if (place === undefined) return;
    place.append(error);
    const control = place.querySelector("input, select");
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-errormessage", error.id);
    control.focus();
  }

  function refuse(problem) {
    refusal.show(problem);
    point(problem);
  }

  return form;
}

function drawUsername(value) {
  // In no request: without a name it is not among the form's values.
  return element("input", { class: "hidden", autocomplete: "username", tabindex: "-1", "aria-hidden": "true", readonly: true, value });
}

/** @param {Field} field */
function drawField({ name, label, advice, options, attributes = {} }) {
  const id = `field-${(made += 1)}`;
  const common = { id, name, "aria-describedby": advice === undefined ? null : `${id}-advice`, ...attributes };
  const control = options === undefined
    ? element("input", common)
    : element("select", common, ...options.map(([value, words]) => element("option", { value }, words)));
  return element("div", { class: "field" }, element("label", { for: id }, label), control,
    advice === undefined ? null : element("p", { class: "advice", id: `${id}-advice` }, advice));
}
