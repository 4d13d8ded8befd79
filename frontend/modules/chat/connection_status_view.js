/**
 * Shows the state of the connection: a line in the header, and a banner when the page stopped connecting or has been
 * without a connection for a while.
 */

import { formatMoment } from "../format.js";
import { text } from "../strings/strings.js";
import { byId, keepFocus } from "../ui/dom.js";

/** A shorter outage, such as a restart of the server, is no reason for a banner. */
const MIN_OUTAGE_MS = 2_000;
/** An attempt that takes longer is an outage, too. A slow network needs some seconds. */
const MAX_ATTEMPT_MS = 5_000;

export class ConnectionStatusView {
  #clock;
  #loadedUntil;
  #abort = new AbortController();
  /** @type {import("../net/socket/connection.js").ConnectionState} */
  #state = { name: "connecting" };
  #cancelCountdown = () => {};
  /** @type {number | null} Since when there is no connection. */
  #downSince = null;
  /** The banner of an outage stays until the end of the outage: it must not flicker with every attempt. */
  #isOutageShown = false;

  /**
   * @param {object} options
   * @param {import("../clock.js").Clock} options.clock
   * @param {() => void} options.onRetry the person pressed the banner's button
   * @param {() => number} options.loadedUntil when what is shown was loaded, milliseconds since 1970; 0: nothing is
   */
  constructor({ clock, onRetry, loadedUntil }) {
    this.#clock = clock;
    this.#loadedUntil = loadedUntil;
    byId("banner-button").addEventListener("click", onRetry, { signal: this.#abort.signal });
  }

  /** @param {import("../net/socket/connection.js").ConnectionState} state */
  show(state) {
    if (state.name === "connected" || state.name === "stopped") {
      this.#downSince = null;
      this.#isOutageShown = false;
    } else {
      this.#downSince ??= this.#clock.now();
    }
    // While the next attempt runs, the reason of the last failure is still the best one.
    const { reason } = this.#state;
    this.#state = state.name === "connecting" ? { ...state, reason } : state;
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
    setText(byId("connection-text"), statusText(this.#state));
    // The countdown is outside of the live region, so that a screen reader does not speak every second of it.
    const seconds = Math.ceil((retryAt - this.#clock.now()) / 1000);
    const countdown = seconds > 0 ? text("connection.in_seconds", { count: seconds }) : text("connection.now");
    byId("connection-countdown").textContent = name === "waiting" ? countdown : "";
    if (this.#isLongOutage()) this.#isOutageShown = true;
    keepFocus(byId("banner"), byId("draft"), () => this.#renderBanner());
    const isDown = name === "waiting" || name === "connecting";
    if (isDown) this.#cancelCountdown = this.#clock.schedule(500, () => this.#render());
  }

  #isLongOutage() {
    const { name, reason = "", retryAt = 0 } = this.#state;
    const now = this.#clock.now();
    if (name === "connecting") return !navigator.onLine || now - (this.#downSince ?? now) > MAX_ATTEMPT_MS;
    if (name !== "waiting") return false;
    const until = Math.max(retryAt, now);
    return !navigator.onLine || reason !== "" || until - (this.#downSince ?? until) > MIN_OUTAGE_MS;
  }

  #renderBanner() {
    const { name, reason = "", retryLabel } = this.#state;
    const isStopped = name === "stopped";
    byId("banner").hidden = !isStopped && !this.#isOutageShown;
    if (byId("banner").hidden) return;
    const label = isStopped ? retryLabel : text("connection.try_now");
    setText(byId("banner-text"), reason === "" ? this.#outage() : reason);
    byId("banner-button").hidden = label === undefined;
    setText(byId("banner-button"), label ?? "");
  }

  #outage() {
    const until = this.#loadedUntil();
    if (until === 0) return text(navigator.onLine ? "offline.no_server" : "offline.no_network");
    const time = formatMoment(new Date(until), this.#clock.now());
    return text(navigator.onLine ? "offline.no_server_since" : "offline.no_network_since", { time });
  }
}

/** @param {import("../net/socket/connection.js").ConnectionState} state */
function statusText({ name, isFinal }) {
  if (name === "connected") return text("connection.connected");
  if (name === "stopped") return text(isFinal ? "connection.disabled" : "connection.paused");
  // navigator.onLine is only a hint: a server on this machine answers without any network.
  if (!navigator.onLine) return text("connection.offline");
  return text(name === "connecting" ? "connection.connecting" : "connection.reconnecting");
}

/**
 * A live region speaks on every write, even of the same text.
 *
 * @param {HTMLElement} node
 * @param {string} content
 */
function setText(node, content) {
  if (node.textContent !== content) node.textContent = content;
}
