/**
 * The page's one WebSocket, kept alive: opened, watched, and opened again as the policy says, until `stop`. It knows
 * nothing about rooms or messages: the listener gets the frames in the order in which they arrived.
 *
 * @typedef {object} ConnectionState
 * @property {"connecting" | "connected" | "waiting" | "stopped"} name
 * @property {number} [retryAt] waiting: when the next attempt starts, milliseconds since 1970
 * @property {string} [reason] stopped: why, for the person
 * @property {string} [retryLabel] stopped: label of the button that connects again
 *
 * @typedef {object} ConnectionListener
 * @property {(state: ConnectionState) => void} onState
 * @property {(welcome: import("./protocol.js").Welcome) => void} onWelcome
 * @property {(frame: import("./protocol.js").ServerFrame) => void} onFrame every frame after `welcome`
 * @property {() => void} onDisconnected only after a welcome
 * @property {() => void} onSessionEnded
 */

import { closeRule } from "./close_codes.js";
import { noReply, PendingRequests } from "./pending_requests.js";
import { SUBPROTOCOL } from "./protocol.js";
import { SessionEnded } from "./session.js";

const OPEN_TIMEOUT_MS = 15_000;
const REPLY_TIMEOUT_MS = 20_000;
const PING_TIMEOUT_MS = 5_000;
/** RFC 6455 §7.4.1: the connection ended without a close frame. */
const ABNORMAL_CLOSURE = 1006;

export class Connection {
  #url;
  #session;
  #policy;
  #clock;
  #openSocket;
  #listener;
  #pending;
  /** @type {WebSocket | null} */
  #socket = null;
  #stopped = false;
  /** Counts attempts: whatever belongs to an earlier one is stale and has no effect. */
  #attempt = 0;
  #welcomed = false;
  #waiting = false;
  #refreshFirst = false;
  /** @type {number | null} */
  #serverDelayMs = null;
  #maxSilenceMs = 0;
  #cancelTimer = () => {};

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {Pick<import("./session.js").Session, "accessToken" | "refresh">} options.session
   * @param {import("./reconnect_policy.js").ReconnectPolicy} options.policy
   * @param {import("../clock.js").Clock} options.clock
   * @param {ConnectionListener} options.listener
   * @param {(url: string, protocols: string[]) => WebSocket} [options.openSocket]
   */
  constructor({ url, session, policy, clock, listener, openSocket = (...args) => new WebSocket(...args) }) {
    this.#url = url;
    this.#session = session;
    this.#policy = policy;
    this.#clock = clock;
    this.#listener = listener;
    this.#openSocket = openSocket;
    this.#pending = new PendingRequests(clock);
  }

  // -- Lifecycle --

  /** Connect, also if the connection waits or was stopped by a close code. */
  async start() {
    this.#reset();
    const attempt = this.#attempt;
    this.#listener.onState({ name: "connecting" });
    try {
      const token = await (this.#refreshFirst ? this.#session.refresh() : this.#session.accessToken());
      if (attempt === this.#attempt) this.#open(token);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error instanceof SessionEnded) this.#listener.onSessionEnded();
      else this.#scheduleReconnect("retry");
    }
  }

  /** Close for good. The listener is not called any more. */
  stop() {
    this.#stopped = true;
    this.#reset();
  }

  /**
   * The network is back or the window is visible again: a waiting connection is opened at once, and an open one is
   * tested, because it may have died meanwhile.
   */
  async check() {
    if (this.#welcomed) {
      const attempt = this.#attempt;
      await this.request({ type: "ping" }, PING_TIMEOUT_MS).catch(() => this.#closed(attempt, ABNORMAL_CLOSURE));
    } else if (this.#waiting) {
      await this.start();
    }
  }

  // -- Commands --

  /**
   * Send a command. Resolves with its reply, rejects with CommandError.
   *
   * @template {import("./protocol.js").Command} C
   * @param {C} command
   * @param {number} [timeoutMs]
   * @returns {Promise<import("./protocol.js").ReplyTo[C["type"]]>}
   */
  async request(command, timeoutMs = REPLY_TIMEOUT_MS) {
    if (this.#socket === null || !this.#welcomed) throw noReply("lost");
    const { id, reply } = this.#pending.add(timeoutMs);
    this.#socket.send(JSON.stringify({ ...command, id }));
    // The protocol fixes the type of the reply to each command.
    return /** @type {Promise<import("./protocol.js").ReplyTo[C["type"]]>} */ (reply);
  }

  // -- Internal --

  /** @param {string} token */
  #open(token) {
    const attempt = this.#attempt;
    // A browser cannot set a header here, and a token in the URL would appear in logs.
    const socket = this.#openSocket(this.#url, [SUBPROTOCOL, `cloudchat.token.${token}`]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (attempt === this.#attempt) this.#receive(JSON.parse(data));
    };
    socket.onclose = ({ code }) => this.#closed(attempt, code);
    this.#expectFrameWithin(OPEN_TIMEOUT_MS);
  }

  /** @param {import("./protocol.js").ServerFrame} frame */
  #receive(frame) {
    if (frame.type === "welcome") {
      this.#welcomed = true;
      this.#refreshFirst = false;
      // The server sends `head` at this interval; after twice that in silence the connection is dead.
      this.#maxSilenceMs = frame.heartbeat_seconds * 2_000;
      this.#policy.opened(this.#clock.now());
      this.#listener.onState({ name: "connected" });
      this.#listener.onWelcome(frame);
    } else {
      if (frame.type === "drain") this.#serverDelayMs = frame.reconnect_after_ms;
      if (frame.type === "token_expiring") this.#renewToken();
      this.#listener.onFrame(frame);
      this.#pending.settle(frame);
    }
    if (this.#socket !== null) this.#expectFrameWithin(this.#maxSilenceMs);
  }

  /** Send a new token over the open socket, so that the socket outlives its first token. */
  async #renewToken() {
    try {
      await this.request({ type: "auth", token: await this.#session.refresh() });
    } catch (error) {
      // Any other error needs no action: the server closes with 4401 when the token expires, and that refreshes again.
      if (error instanceof SessionEnded && !this.#stopped) this.#listener.onSessionEnded();
    }
  }

  /** @param {number} ms */
  #expectFrameWithin(ms) {
    const attempt = this.#attempt;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.schedule(ms, () => this.#closed(attempt, ABNORMAL_CLOSURE));
  }

  /**
   * @param {number} attempt
   * @param {number} code
   */
  #closed(attempt, code) {
    if (attempt !== this.#attempt) return;
    const serverDelayMs = this.#serverDelayMs;
    this.#reset();
    const { recovery, reason, retryLabel } = closeRule(code);
    this.#refreshFirst = recovery === "refresh";
    if (recovery === "stop") this.#listener.onState({ name: "stopped", reason, retryLabel });
    else this.#scheduleReconnect(recovery, serverDelayMs);
  }

  /**
   * @param {Exclude<import("./close_codes.js").Recovery, "stop">} recovery
   * @param {number | null} [serverDelayMs]
   */
  #scheduleReconnect(recovery, serverDelayMs = null) {
    const ms = this.#policy.delay(recovery, this.#clock.now(), serverDelayMs);
    this.#waiting = true;
    this.#listener.onState({ name: "waiting", retryAt: this.#clock.now() + ms });
    this.#cancelTimer = this.#clock.schedule(ms, () => this.start());
  }

  /** Close the socket without waiting for its closing handshake, which a dead peer never finishes. */
  #reset() {
    this.#attempt += 1;
    this.#cancelTimer();
    const [socket, welcomed] = [this.#socket, this.#welcomed];
    this.#socket = null;
    this.#welcomed = false;
    this.#waiting = false;
    this.#serverDelayMs = null;
    this.#pending.rejectAll();
    socket?.close();
    if (welcomed) this.#listener.onDisconnected();
  }
}
