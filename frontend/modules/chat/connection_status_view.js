/** Shows the state of the connection: a line in the header, and a banner when the page stopped connecting. */

import { byId, keepFocus } from "../ui/dom.js";

export class ConnectionStatusView {
  #clock;
  #abort = new AbortController();
  /** @type {import("../net/connection.js").ConnectionState} */
  #state = { name: "connecting" };
  #cancelCountdown = () => {};

  /**
   * @param {import("../clock.js").Clock} clock
   * @param {() => void} onRetry the person pressed the banner's button
   */
  constructor(clock, onRetry) {
    this.#clock = clock;
    byId("banner-button").addEventListener("click", onRetry, { signal: this.#abort.signal });
  }

  /** @param {import("../net/connection.js").ConnectionState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  close() {
    this.#abort.abort();
    this.#cancelCountdown();
    byId("banner").hidden = true;
  }

  #render() {
    this.#cancelCountdown();
    const { name, retryAt = 0 } = this.#state;
    byId("connection").dataset.state = name;
    setText(byId("connection-text"), statusText(name));
    // The countdown is outside of the live region, so that a screen reader does not speak every second of it.
    const seconds = Math.ceil((retryAt - this.#clock.now()) / 1000);
    const countdown = seconds > 0 ? ` in ${seconds} s…` : " now…";
    byId("connection-countdown").textContent = name === "waiting" ? countdown : "";
    keepFocus(byId("banner"), byId("draft"), () => this.#renderBanner());
    if (name === "waiting") this.#cancelCountdown = this.#clock.schedule(500, () => this.#render());
  }

  #renderBanner() {
    const { name, reason = "", retryLabel } = this.#state;
    byId("banner").hidden = name !== "stopped";
    if (name !== "stopped") return;
    setText(byId("banner-text"), reason);
    byId("banner-button").hidden = retryLabel === undefined;
    byId("banner-button").textContent = retryLabel ?? "";
  }
}

/** @param {import("../net/connection.js").ConnectionState["name"]} name */
function statusText(name) {
  if (name === "connected") return "Connected";
  if (name === "connecting") return "Connecting…";
  if (name === "stopped") return "Paused";
  // navigator.onLine is only a hint: a server on this machine answers without any network.
  return navigator.onLine ? "Reconnecting" : "Offline. Trying again";
}

/**
 * A live region speaks on every write, even of the same text.
 *
 * @param {HTMLElement} node
 * @param {string} text
 */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
