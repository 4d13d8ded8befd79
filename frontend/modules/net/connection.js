/**
 * The one socket of this page, kept alive: opened, watched, and opened again by the policy until someone
 * stops it. It knows nothing of rooms or messages; frames go to the listener in the order they came.
 *
 * @typedef {object} ConnectionState
 * @property {"connecting" | "connected" | "waiting" | "stopped"} name
 * @property {number} [until] waiting: when the next attempt starts, milliseconds since 1970
 * @property {string} [text] stopped: why, for the person
 * @property {string} [again] stopped: label of the button that tries once more
 *
 * @typedef {object} Listener
 * @property {(state: ConnectionState) => void} stateChanged
 * @property {(welcome: any) => void} welcomed
 * @property {(frame: any) => void} received every frame after welcome
 * @property {() => void} lost after a welcome only
 * @property {(text: string) => void} sessionEnded
 */

import { closeRule } from "./close_codes.js";
import { noAnswer, Replies } from "./replies.js";
import { SessionEnded } from "./session.js";

const OPEN_TIMEOUT_MS = 15_000;
const REPLY_TIMEOUT_MS = 20_000;
const PROBE_TIMEOUT_MS = 5_000;
const LOST = 1006;

export class Connection {
  #url;
  #session;
  #policy;
  #clock;
  #openSocket;
  #listener;
  #replies;
  /** @type {WebSocket | null} */
  #socket = null;
  #stopped = false;
  /** Names the current attempt: whatever belongs to an earlier one is stale and does nothing. */
  #attempt = 0;
  #welcomed = false;
  #waiting = false;
  #refreshFirst = false;
  /** @type {number | null} */
  #drainMs = null;
  #silenceMs = 0;
  #cancelTimer = () => {};

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {import("./session.js").Session} options.session
   * @param {import("./reconnect_policy.js").ReconnectPolicy} options.policy
   * @param {import("./clock.js").Clock} options.clock
   * @param {Listener} options.listener
   * @param {(url: string, protocols: string[]) => WebSocket} [options.openSocket]
   */
  constructor({ url, session, policy, clock, listener, openSocket = (...args) => new WebSocket(...args) }) {
    this.#url = url;
    this.#session = session;
    this.#policy = policy;
    this.#clock = clock;
    this.#listener = listener;
    this.#openSocket = openSocket;
    this.#replies = new Replies(clock);
  }

  async start() {
    this.#leave();
    const attempt = this.#attempt;
    this.#listener.stateChanged({ name: "connecting" });
    try {
      const token = await (this.#refreshFirst ? this.#session.refresh() : this.#session.token());
      if (attempt === this.#attempt) this.#open(token);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error instanceof SessionEnded) this.#listener.sessionEnded(error.message);
      else this.#wait("retry");
    }
  }

  /** Leaves for good; nothing is reported any more. */
  stop() {
    this.#stopped = true;
    this.#leave();
  }

  /**
   * The world changed (network back, window shown again): waiting longer makes no sense, and a
   * connection that looks open may have died in the meantime.
   */
  async check() {
    if (this.#welcomed) {
      const attempt = this.#attempt;
      await this.request({ type: "ping" }, PROBE_TIMEOUT_MS).catch(() => this.#ended(attempt, LOST));
    } else if (this.#waiting) await this.start();
  }

  /**
   * @param {{type: string}} command
   * @param {number} [timeoutMs]
   * @returns {Promise<any>} the reply; rejects with CommandError
   */
  request(command, timeoutMs = REPLY_TIMEOUT_MS) {
    if (!this.#welcomed) return Promise.reject(noAnswer("lost"));
    const { id, reply } = this.#replies.expect(timeoutMs);
    this.#socket.send(JSON.stringify({ ...command, id }));
    return reply;
  }

  #open(token) {
    const attempt = this.#attempt;
    // A browser can set no header here, and a token in the URL would end up in logs.
    const socket = this.#openSocket(this.#url, ["cloudchat.v1", `cloudchat.token.${token}`]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => attempt === this.#attempt && this.#frame(JSON.parse(data));
    socket.onclose = ({ code }) => this.#ended(attempt, code);
    this.#expectFrameWithin(OPEN_TIMEOUT_MS);
  }

  #frame(frame) {
    if (frame.type === "welcome") {
      this.#welcomed = true;
      this.#refreshFirst = false;
      // The server says `head` that often; twice that in silence means that nobody is there.
      this.#silenceMs = frame.heartbeat_seconds * 2_000;
      this.#policy.opened(this.#clock.now());
      this.#listener.stateChanged({ name: "connected" });
      this.#listener.welcomed(frame);
    } else {
      if (frame.type === "drain") this.#drainMs = frame.reconnect_after_ms;
      if (frame.type === "token_expiring") this.#renew();
      this.#listener.received(frame);
      this.#replies.settle(frame);
    }
    if (this.#socket !== null) this.#expectFrameWithin(this.#silenceMs);
  }

  /** A new token in-band, so that the socket outlives its first one. */
  async #renew() {
    try {
      await this.request({ type: "auth", token: await this.#session.refresh() });
    } catch (error) {
      // Anything but a refusal mends itself: the server closes 4401 at expiry, and that path asks again.
      if (error instanceof SessionEnded && !this.#stopped) this.#listener.sessionEnded(error.message);
    }
  }

  #expectFrameWithin(ms) {
    const attempt = this.#attempt;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(ms, () => this.#ended(attempt, LOST));
  }

  #ended(attempt, code) {
    if (attempt !== this.#attempt) return;
    const drainMs = this.#drainMs;
    this.#leave();
    const rule = closeRule(code);
    this.#refreshFirst = rule.then === "refresh";
    if (rule.then === "stop") this.#listener.stateChanged({ name: "stopped", text: rule.text, again: rule.again });
    else this.#wait(rule.then, drainMs);
  }

  #wait(then, drainMs = null) {
    const ms = this.#policy.delay(then, this.#clock.now(), drainMs);
    this.#waiting = true;
    this.#listener.stateChanged({ name: "waiting", until: this.#clock.now() + ms });
    this.#cancelTimer = this.#clock.after(ms, () => this.start());
  }

  /** Lets go of the socket without waiting for its closing handshake, which a dead peer never finishes. */
  #leave() {
    this.#attempt += 1;
    this.#cancelTimer();
    const [socket, welcomed] = [this.#socket, this.#welcomed];
    this.#socket = null;
    this.#welcomed = false;
    this.#waiting = false;
    this.#drainMs = null;
    this.#replies.abandon();
    socket?.close();
    if (welcomed) this.#listener.lost();
  }
}
