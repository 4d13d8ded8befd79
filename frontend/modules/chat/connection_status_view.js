/** The state of the connection, in words for a person. */

import { byId, keepFocus } from "./dom.js";

export class StatusView {
  #clock;
  #abort = new AbortController();
  #state = { name: "connecting" };
  #cancel = () => {};

  /**
   * @param {import("./clock.js").Clock} clock
   * @param {() => void} again what the banner's button does
   */
  constructor(clock, again) {
    this.#clock = clock;
    byId("banner-button").addEventListener("click", again, { signal: this.#abort.signal });
  }

  /** @param {import("./connection.js").ConnectionState} state */
  show(state) {
    this.#state = state;
    this.#draw();
  }

  close() {
    this.#abort.abort();
    this.#cancel();
    byId("banner").hidden = true;
  }

  #draw() {
    this.#cancel();
    const { name, until = 0 } = this.#state;
    byId("connection").dataset.state = name;
    setText(byId("connection-text"), this.#words());
    // Apart from the live region: nobody wants to hear every second of a countdown.
    const seconds = Math.ceil((until - this.#clock.now()) / 1000);
    byId("connection-when").textContent = name !== "waiting" ? "" : seconds > 0 ? ` in ${seconds} s…` : " now…";
    keepFocus(byId("banner"), byId("draft"), () => this.#banner());
    if (name === "waiting") this.#cancel = this.#clock.after(500, () => this.#draw());
  }

  #words() {
    const { name } = this.#state;
    if (name === "connected") return "Connected";
    if (name === "connecting") return "Connecting…";
    if (name === "stopped") return "Paused";
    // The browser's word is only a hint: a server on this machine answers without any network.
    return navigator.onLine ? "Reconnecting" : "Offline. Trying again";
  }

  #banner() {
    const { name, text, again } = this.#state;
    byId("banner").hidden = name !== "stopped";
    if (name !== "stopped") return;
    setText(byId("banner-text"), text);
    byId("banner-button").hidden = again === undefined;
    byId("banner-button").textContent = again ?? "";
  }
}

/** A live region speaks on every write, also of the same words. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
