/**
 * One socket for all tabs of a browser. The tab that holds a Web Lock has the socket (the leader); the others send their
 * commands to it over a BroadcastChannel and get their frames from it. To a tab it looks like its own `Connection`.
 *
 * When the leader is closed or crashes, the browser gives the lock to the next tab, which opens a socket: for all tabs,
 * that is a lost connection, from which each continues at its own positions. A leader that hangs or is frozen does not
 * answer: a visible tab then steals the lock. Nothing is lost by either, because a tab trusts only what it received.
 *
 * Where the browser has no locks (plain http beyond loopback), each tab has a socket.
 *
 * @typedef {import("./connection.js").ConnectionListener} ConnectionListener
 * @typedef {import("./connection.js").ConnectionState} ConnectionState
 * @typedef {import("./protocol.js").ServerFrame} ServerFrame
 *
 * Messages of the leader go to all tabs, or to one of them (`to`); those of the others to the leader.
 *
 * @typedef {{to?: string | null} & ({type: "leading"} | {type: "state", state: ConnectionState} | {type: "welcome",
 *   welcome: import("./protocol.js").Welcome} | {type: "disconnected"} | {type: "frame", except?: string, frame:
 *   ServerFrame})} LeaderMessage
 * @typedef {{type: "hello"} | {type: "check"} | {type: "start"} | {type: "send", command:
 *   import("./protocol.js").Command & {id?: string}}} FollowerMessage
 * @typedef {{from: string, message: LeaderMessage | FollowerMessage}} Envelope
 *
 * @typedef {Pick<BroadcastChannel, "postMessage" | "close"> & {onmessage: ((event: MessageEvent) => void) | null}} Channel
 */

import { FrameRouter, idPrefix } from "./frame_router.js";
import { noReply, PendingRequests } from "./pending_requests.js";

const REPLY_TIMEOUT_MS = 20_000;
/** A leader answers within milliseconds, also in the background. */
const ANSWER_MS = 3_000;

export class SharedConnection {
  #tab;
  #clock;
  #locks;
  #channel;
  #lock;
  #createConnection;
  #listener;
  #pending;
  /** The socket of this tab, if it is the leader. @type {import("./connection.js").Connection | null} */
  #connection = null;
  /** Of the leader, while it is connected. @type {FrameRouter | null} */
  #router = null;
  /** Of the leader. @type {ConnectionState} */
  #state = { name: "connecting" };
  /** Whether this tab has a `welcome` and its commands can be sent. */
  #isWelcomed = false;
  #isStarted = false;
  /** The tab that leads, as far as this one knows: frames of one that was frozen are ignored. */
  #leader = "";
  #maxSilenceMs = 0;
  #abort = new AbortController();
  #cancelSilenceTimer = () => {};
  #release = () => {};

  /**
   * @param {object} options
   * @param {string} options.tab id of this tab
   * @param {string} options.scope of the tabs that share a socket: those of one user
   * @param {import("../clock.js").Clock} options.clock
   * @param {ConnectionListener} options.listener
   * @param {(listener: ConnectionListener) => import("./connection.js").Connection} options.createConnection
   * @param {{locks: Pick<LockManager, "request">, channel: Channel} | null} options.sharing null: a socket of its own
   */
  constructor({ tab, scope, clock, listener, createConnection, sharing }) {
    this.#tab = tab;
    this.#clock = clock;
    this.#listener = listener;
    this.#createConnection = createConnection;
    this.#pending = new PendingRequests(clock);
    this.#lock = `cloudchat.socket.${scope}`;
    this.#locks = sharing?.locks ?? null;
    this.#channel = sharing?.channel ?? null;
    if (this.#channel !== null) this.#channel.onmessage = ({ data }) => this.#receive(data);
  }

  // -- Lifecycle --

  /** Connect. May be called again by the person. */
  start() {
    if (this.#connection !== null) this.#connection.start();
    else if (this.#isStarted) this.#post({ type: "start" });
    else this.#join();
    this.#isStarted = true;
  }

  /** Close for good. The listener is not called any more. */
  stop() {
    this.#cancelSilenceTimer();
    this.#abort.abort();
    this.#lead(null);
    this.#isWelcomed = false;
    this.#pending.rejectAll();
    this.#release();
    this.#channel?.close();
  }

  /** The window is visible again. */
  check() {
    if (this.#connection !== null) this.#connection.check();
    else if (this.#isStarted) {
      this.#post({ type: "check" });
      this.#askLeader();
    }
  }

  networkIsBack() {
    this.#connection?.networkIsBack();
  }

  networkIsGone() {
    this.#connection?.networkIsGone();
  }

  // -- Commands --

  /**
   * Send a command. Resolves with its reply, rejects with CommandError.
   *
   * @template {import("./protocol.js").Command} C
   * @param {C} command
   * @returns {Promise<import("./protocol.js").ReplyTo[C["type"]]>}
   */
  async request(command) {
    if (!this.#isWelcomed) throw noReply("lost");
    const { id, reply } = this.#pending.add(REPLY_TIMEOUT_MS, idPrefix(this.#tab));
    this.#send({ ...command, id });
    // The protocol fixes the type of the reply to each command.
    return /** @type {Promise<import("./protocol.js").ReplyTo[C["type"]]>} */ (reply);
  }

  /**
   * Send a command that has no reply. Without a connection it is dropped.
   *
   * @param {import("./protocol.js").TypingCommand} command
   */
  notify(command) {
    if (this.#isWelcomed) this.#send(command);
  }

  // -- Leading and following --

  #join() {
    this.#listener.onState(this.#state);
    if (this.#locks === null) {
      this.#lead(this.#createConnection(this.#leaderListener()));
      return;
    }
    this.#waitForLock();
    this.#askLeader();
  }

  /** @param {{steal?: boolean}} [options] */
  async #waitForLock({ steal = false } = {}) {
    const { signal } = this.#abort;
    try {
      const options = steal ? { steal } : { signal };
      await this.#locks?.request(this.#lock, options, () => {
        if (signal.aborted || this.#connection !== null) return undefined;
        this.#cancelSilenceTimer();
        this.#lead(this.#createConnection(this.#leaderListener()));
        return new Promise((resolve) => {
          this.#release = () => resolve(undefined);
        });
      });
    } catch {
      // Aborted by `stop`, or another tab has stolen the lock: this one was frozen for long.
      if (signal.aborted) return;
      this.#leader = "";
      this.#lead(null);
      this.#lose();
      this.#join();
    }
  }

  /** @param {import("./connection.js").Connection | null} connection null: this tab leads no longer */
  #lead(connection) {
    this.#connection?.stop();
    this.#connection = connection;
    this.#router = null;
    if (connection === null) return;
    this.#leader = this.#tab;
    this.#lose();
    this.#post({ type: "leading" });
    connection.start();
  }

  /** @returns {ConnectionListener} */
  #leaderListener() {
    return {
      onState: (state) => {
        this.#state = state;
        this.#listener.onState(state);
        this.#post({ type: "state", state });
      },
      onWelcome: (welcome) => {
        this.#router = new FrameRouter(welcome);
        this.#welcomed(welcome);
        this.#post({ type: "welcome", welcome });
      },
      onFrame: (frame) => this.#distribute(frame),
      onDisconnected: () => {
        this.#router = null;
        this.#lose();
        this.#post({ type: "disconnected" });
      },
      onSessionEnded: () => this.#listener.onSessionEnded(),
    };
  }

  /** @param {ServerFrame} received */
  #distribute(received) {
    for (const { to, except, frame } of this.#router?.route(received) ?? []) {
      const isOwn = to === null ? except !== this.#tab : to === this.#tab;
      if (isOwn) this.#deliver(frame);
      if (to !== this.#tab) this.#post({ type: "frame", to, except, frame });
    }
  }

  /** A leader that was closed has no lock any more. One that does not answer hangs. */
  #askLeader() {
    this.#post({ type: "hello" });
    this.#expectLeaderWithin(ANSWER_MS, () => this.#waitForLock({ steal: true }));
  }

  /**
   * @param {number} ms
   * @param {() => void} onSilence
   */
  #expectLeaderWithin(ms, onSilence) {
    this.#cancelSilenceTimer();
    this.#cancelSilenceTimer = this.#clock.schedule(ms, onSilence);
  }

  // -- Messages of the tabs --

  /** @param {Envelope} envelope */
  #receive({ from, message }) {
    if (message.type === "hello" || message.type === "check" || message.type === "start" || message.type === "send") {
      if (this.#connection !== null) this.#serve(from, message, this.#connection);
    } else if (this.#connection === null && this.#isStarted) this.#follow(from, message);
  }

  /**
   * @param {string} tab
   * @param {FollowerMessage} message
   * @param {import("./connection.js").Connection} connection
   */
  #serve(tab, message, connection) {
    if (message.type === "send") connection.send(message.command);
    else if (message.type === "start") connection.start();
    else if (message.type === "check") connection.check();
    else {
      this.#post({ type: "state", to: tab, state: this.#state });
      if (this.#router !== null) this.#post({ type: "welcome", to: tab, welcome: this.#router.welcome });
    }
  }

  /**
   * @param {string} tab
   * @param {LeaderMessage} message
   */
  #follow(tab, message) {
    const { to = null } = message;
    if (to !== null && to !== this.#tab) return;
    if (message.type === "leading" || this.#leader === "") this.#leader = tab;
    if (tab !== this.#leader) return;
    if (this.#isWelcomed) this.#expectLeaderWithin(this.#maxSilenceMs, () => this.#askLeader());
    else this.#cancelSilenceTimer();
    if (message.type === "state") this.#listener.onState(message.state);
    else if (message.type === "leading" || message.type === "disconnected") this.#lose();
    else if (message.type === "welcome") {
      // It also answers `hello` of a tab that is connected already.
      if (!this.#isWelcomed) this.#welcomed(message.welcome);
    } else if (message.except !== this.#tab && this.#isWelcomed) this.#deliver(message.frame);
  }

  // -- This tab --

  /** @param {import("./protocol.js").Welcome} welcome */
  #welcomed(welcome) {
    this.#isWelcomed = true;
    this.#maxSilenceMs = welcome.heartbeat_seconds * 2_000;
    this.#listener.onWelcome(welcome);
  }

  /** @param {ServerFrame} frame */
  #deliver(frame) {
    this.#listener.onFrame(frame);
    this.#pending.settle(frame);
  }

  #lose() {
    if (!this.#isWelcomed) return;
    this.#isWelcomed = false;
    this.#pending.rejectAll();
    this.#listener.onDisconnected();
  }

  /** @param {import("./protocol.js").Command & {id?: string}} command */
  #send(command) {
    if (this.#connection !== null) this.#connection.send(command);
    else this.#post({ type: "send", command });
  }

  /** @param {LeaderMessage | FollowerMessage} message */
  #post(message) {
    if (!this.#abort.signal.aborted) this.#channel?.postMessage({ from: this.#tab, message });
  }
}

/**
 * @param {string} scope of the tabs that share a socket: those of one user
 * @returns {{locks: LockManager, channel: BroadcastChannel} | null} null: the browser has no locks here
 */
export function openSharing(scope) {
  if (!navigator.locks) return null;
  return { locks: navigator.locks, channel: new BroadcastChannel(`cloudchat.socket.${scope}`) };
}
