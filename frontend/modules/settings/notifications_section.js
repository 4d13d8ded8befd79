/** Notifications of this browser. Its permission is requested only when the person turns notifications on. */

import { playTone } from "../notifications/notifier.js";
import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";

/**
 * @param {import("./settings_dialog.js").SettingsContext} context
 * @returns {Node[]}
 */
export function notificationsSection({ notifications }) {
  const place = element("div", { class: "settings-group" });

  async function turnOn() {
    const permission = await Notification.requestPermission();
    if (permission === "granted") notifications.set({ isOn: true });
    render();
    place.querySelector("button")?.focus();
  }

  function turnOff() {
    notifications.set({ isOn: false });
    render();
    place.querySelector("button")?.focus();
  }

  function render() {
    const isSupported = "Notification" in window && isSecureContext;
    const isDenied = isSupported && Notification.permission === "denied";
    const { isOn, hasSound, doNotDisturb } = notifications;
    const state = isSupported ? (isDenied ? "denied" : isOn ? "on" : "off") : "unsupported";
    place.replaceChildren(
      element(
        "p",
        { role: "status", class: state === "on" ? "notice good" : "notice" },
        text(`notifications.${state}`),
      ),
      ...(!isSupported || isDenied
        ? []
        : [
            isOn
              ? button(text("notifications.disable"), turnOff, { class: "secondary" })
              : button(text("notifications.enable"), () => void turnOn(), { class: "primary" }),
          ]),
      renderSwitch(text("notifications.sound"), hasSound, (isChecked) => {
        notifications.set({ hasSound: isChecked });
        if (isChecked) playTone();
      }),
      renderSwitch(text("notifications.dnd"), doNotDisturb, (isChecked) =>
        notifications.set({ doNotDisturb: isChecked }),
      ),
      element("p", { class: "hint" }, text("notifications.dnd_hint")),
    );
  }

  render();
  return [
    element("p", { class: "subtle" }, text("notifications.lead")),
    place,
    element("p", { class: "hint" }, text("notifications.device_hint")),
  ];
}

/**
 * @param {string} label
 * @param {boolean} isChecked
 * @param {(isChecked: boolean) => void} onChange
 */
function renderSwitch(label, isChecked, onChange) {
  const input = element("input", { type: "checkbox", checked: isChecked });
  input.addEventListener("change", () => onChange(input.checked));
  return element("label", { class: "checkbox" }, input, element("span", {}, label));
}
