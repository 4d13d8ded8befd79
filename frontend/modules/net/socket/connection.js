/**
 * The page's one WebSocket, kept alive: opened, watched, and opened again as the policy says, until `stop`. It knows
 * nothing about rooms or messages: the listener gets the frames in the order in which they arrived.
 *
 * @typedef {object} ConnectionState
 * @property {"connecting" | "connected" | "waiting" | "stopped"} name
 * @property {number} [retryAt] waiting: when the next attempt starts, milliseconds since 1970
 * @property {string} [reason] waiting, stopped: why, for the person, if it is known
 * @property {string} [retryLabel] stopped: label of the button that connects again
 * @property {boolean} [isFinal] stopped: nothing that the person can do here connects again
 *
 * @typedef {object} ConnectionListener
 * @property {(state: ConnectionState) => void} onState
 * @property {(welcome: import("../protocol.js").Welcome) => void} onWelcome
 * @property {(frame: import("../protocol.js").ServerFrame) => void} onFrame every frame after `welcome`
 * @property {() => void} onDisconnected only after a welcome
 * @property {() => void} onSessionEnded
 */

import { closeRule } from "./close_codes.js";
import { OutageDiagnosis } from "./outage_diagnosis.js";
import { CommandError, noReply, PendingRequests } from "./pending_requests.js";
import { socketProtocols } from "../protocol.js";
import { SessionEnded } from "../session/session.js";
import { text } from "../../strings/strings.js";
import { RetryAdvice } from "./retry_advice.js";
import { WatchedSocket } from "./watched_socket.js";

const OPEN_TIMEOUT_MS = 15_000;
const REPLY_TIMEOUT_MS = 20_000;
const PING_TIMEOUT_MS = 5_000;
/** The browser reports that the network is gone: the page must say so within 2 s, unless the server still answers. */
const OFFLINE_PING_TIMEOUT_MS = 1_500;

export class Connection {
  #url;
  #session;
  #policy;
  #clock;
  #openSocket;
  #outage;
  #listener;
  #pending;
  /** @type {WatchedSocket | null} */
  #socket = null;
  #stopped = false;
  /** Counts attempts: whatever belongs to an earlier one is stale and has no effect. */
  #attempt = 0;
  #welcomed = false;
  #waiting = false;
  #refreshFirst = false;
  #advice = new RetryAdvice();
  #retryAt = 0;
  /** Why the connection waits, for the person. */
  #reason = "";
  #maxSilenceMs = 0;
  #cancelRetry = () => {};

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {Pick<import("../session/session.js").Session, "accessToken" | "refresh">} options.session
   * @param {import("./reconnect_policy.js").ReconnectPolicy} options.policy
   * @param {import("../../clock.js").Clock} options.clock
   * @param {ConnectionListener} options.listener
   * @param {(url: string, protocols: string[]) => WebSocket} [options.openSocket]
   * @param {() => Promise<boolean>} [options.isServerReachable] whether the server answers HTTP requests
   * @param {() => Promise<boolean>} [options.isAnswering] whether anything answers there; cheaper
   */
  constructor({
    url,
    session,
    policy,
    clock,
    listener,
    openSocket = (...args) => new WebSocket(...args),
    isServerReachable = async () => false,
    isAnswering = async () => true,
  }) {
    this.#url = url;
    this.#session = session;
    this.#policy = policy;
    this.#clock = clock;
    this.#listener = listener;
    this.#openSocket = openSocket;
    this.#outage = new OutageDiagnosis({ isServerReachable, isAnswering });
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
      const isAway = await this.#outage.isAway();
      if (attempt !== this.#attempt) return;
      if (isAway) this.#scheduleReconnect(this.#policy.delay("retry", this.#clock.now()));
      else this.#open(token);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error instanceof SessionEnded) this.#listener.onSessionEnded();
      else this.#scheduleReconnect(this.#policy.delay("retry", this.#clock.now()));
    }
  }

  /** Close permanently. The listener is not called any more. */
  stop() {
    this.#stopped = true;
    this.#reset();
  }

  /** The window is visible again: connect now, or test the open connection, which may have died meanwhile. */
  async check() {
    if (this.#welcomed) await this.#test(PING_TIMEOUT_MS);
    else if (this.#waiting) await this.start();
  }

  /** The network is back: an attempt that started without it may hang for long. */
  async networkIsBack() {
    if (this.#welcomed) await this.#test(PING_TIMEOUT_MS);
    else if (this.#waiting || this.#socket !== null) await this.start();
  }

  /** The browser says that the network is gone. A server on this machine, or behind another network, still answers. */
  async networkIsGone() {
    if (this.#welcomed) await this.#test(OFFLINE_PING_TIMEOUT_MS);
  }

  // -- Commands --

  /**
   * Send a command. Resolves with its reply, rejects with CommandError.
   *
   * @template {import("../protocol.js").Command} C
   * @param {C} command
   * @param {number} [timeoutMs]
   * @returns {Promise<import("../protocol.js").ReplyTo[C["type"]]>}
   */
  async request(command, timeoutMs = REPLY_TIMEOUT_MS) {
    if (this.#socket === null || !this.#welcomed) throw noReply("lost");
    const { id, reply } = this.#pending.add(timeoutMs);
    this.#socket.send({ ...command, id });
    // The protocol fixes the type of the reply to each command.
    return /** @type {Promise<import("../protocol.js").ReplyTo[C["type"]]>} */ (reply);
  }

  /**
   * Send a command whose reply, if it has one, the listener handles. Without a connection it is dropped.
   *
   * @param {import("../protocol.js").SentCommand} command
   */
  send(command) {
    if (this.#welcomed) this.#socket?.send(command);
  }

  // -- Internal --

  /**
   * Close the connection if the server does not answer. An `error` is an answer.
   *
   * @param {number} timeoutMs
   */
  async #test(timeoutMs) {
    const socket = this.#socket;
    try {
      await this.request({ type: "ping" }, timeoutMs);
    } catch (error) {
      if (error instanceof CommandError && error.code === "timeout") socket?.fail();
    }
  }

  /** @param {string} token */
  #open(token) {
    this.#socket = new WatchedSocket(
      this.#openSocket(this.#url, socketProtocols(token)),
      this.#clock,
      (frame) => this.#receive(frame),
      (code) => this.#closed(code),
    );
    this.#socket.expectFrameWithin(OPEN_TIMEOUT_MS);
  }

  /** @param {import("../protocol.js").ServerFrame} frame */
  #receive(frame) {
    if (frame.type === "welcome") {
      this.#welcomed = true;
      this.#refreshFirst = false;
      this.#outage.opened();
      this.#reason = "";
      // The server sends `head` at this interval; after twice that in silence the connection is dead.
      this.#maxSilenceMs = frame.heartbeat_seconds * 2_000;
      this.#policy.opened(this.#clock.now(), frame.reconnect_within_ms);
      this.#listener.onState({ name: "connected" });
      this.#listener.onWelcome(frame);
    } else if (!this.#welcomed) {
      if (frame.type === "error") this.#advice.refused(frame);
    } else {
      if (frame.type === "drain") this.#advice.drained(frame);
      if (frame.type === "token_expiring") this.#renewToken();
      this.#listener.onFrame(frame);
      this.#pending.settle(frame);
    }
    if (this.#welcomed) this.#socket?.expectFrameWithin(this.#maxSilenceMs);
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

  /** @param {number} code */
  #closed(code) {
    const [advice, wasWelcomed] = [this.#advice, this.#welcomed];
    this.#reset();
    const { recovery, reason, retryLabel, isFinal } = closeRule(code);
    this.#refreshFirst = recovery === "refresh";
    if (recovery === "stop") {
      this.#listener.onState({
        name: "stopped",
        reason: reason && text(reason),
        retryLabel: retryLabel && text(retryLabel),
        isFinal,
      });
      return;
    }
    if (!wasWelcomed && advice.refusal === "" && recovery === "retry") this.#outage.failed();
    this.#reason = advice.refusal || this.#outage.reason;
    this.#scheduleReconnect(advice.delay(this.#policy, recovery, this.#clock.now()));
    this.#diagnose();
  }

  /** @param {number} ms */
  #scheduleReconnect(ms) {
    this.#waiting = true;
    this.#retryAt = this.#clock.now() + ms;
    this.#showWaiting();
    this.#cancelRetry = this.#clock.schedule(ms, () => this.start());
  }

  #showWaiting() {
    this.#listener.onState({ name: "waiting", retryAt: this.#retryAt, reason: this.#reason });
  }

  /** Show why sockets do not open, once it is known. */
  async #diagnose() {
    const attempt = this.#attempt;
    const before = this.#outage.reason;
    await this.#outage.look(this.#clock.now());
    if (attempt !== this.#attempt || !this.#waiting || this.#outage.reason === before) return;
    this.#reason = this.#outage.reason;
    this.#showWaiting();
  }

  /** End the attempt, and the connection if there is one. */
  #reset() {
    this.#attempt += 1;
    this.#cancelRetry();
    const [socket, welcomed] = [this.#socket, this.#welcomed];
    this.#socket = null;
    this.#welcomed = false;
    this.#waiting = false;
    this.#advice = new RetryAdvice();
    this.#pending.rejectAll();
    socket?.close();
    if (welcomed) this.#listener.onDisconnected();
  }
}
