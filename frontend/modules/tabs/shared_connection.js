/**
 * One socket for all tabs of a browser. The tab that holds a Web Lock has the socket (the leader); the others send their
 * commands to it over a BroadcastChannel and get their frames from it. To a tab it looks like a `Connection` of its own.
 *
 * When the leader is closed or crashes, the browser gives the lock to the next tab, which opens a socket: for all tabs,
 * that is a lost connection, from which each continues at its own positions. A leader that hangs does not answer, and
 * its lock is stolen. Nothing is lost by either, because a tab trusts only what it has received itself.
 *
 * @typedef {import("../net/socket/connection.js").ConnectionListener} ConnectionListener
 */

import { idPrefix } from "./frame_router.js";
import { noReply, PendingRequests } from "../net/socket/pending_requests.js";
import { socketLock } from "../net/protocol.js";
import { LeaderLock } from "./leader_lock.js";
import { SocketLeader } from "./socket_leader.js";
import { TabChannel } from "./tab_channel.js";

const REPLY_TIMEOUT_MS = 20_000;
/** A leader answers within milliseconds, also in the background. */
const ANSWER_MS = 3_000;

export class SharedConnection {
  #tab;
  #lock;
  #channel;
  #clock;
  #listener;
  #createConnection;
  #pending;
  /** @type {SocketLeader | null} null: this tab follows another one */
  #leadership = null;
  /** The tab that leads, as far as this one knows: frames of one that was frozen are ignored. */
  #leader = "";
  #isStarted = false;
  /** Whether commands can be sent. */
  #isWelcomed = false;
  #maxSilenceMs = 0;
  #cancelSilenceTimer = () => {};

  /**
   * @param {object} options
   * @param {import("./tab_channel.js").Sharing} options.sharing
   * @param {string} options.scope of the tabs that share a socket: those of one user
   * @param {import("../clock.js").Clock} options.clock
   * @param {ConnectionListener} options.listener
   * @param {(listener: ConnectionListener) => import("../net/socket/connection.js").Connection} options.createConnection
   */
  constructor({ sharing, scope, clock, listener, createConnection }) {
    this.#tab = sharing.tab;
    this.#lock = new LeaderLock(sharing.locks, socketLock(scope), {
      onAcquired: () => this.#lead(),
      onLost: () => this.#stepDown(),
    });
    this.#clock = clock;
    this.#listener = listener;
    this.#createConnection = createConnection;
    this.#pending = new PendingRequests(clock);
    this.#channel = new TabChannel(sharing, {
      onFollower: (tab, message) => this.#leadership?.receive(tab, message),
      onLeader: (tab, message) => this.#follow(tab, message),
    });
  }

  // -- Lifecycle --

  /** Connect. May be called again by the person. */
  start() {
    if (this.#leadership !== null) this.#leadership.connection.start();
    else if (this.#isStarted) this.#channel.post({ type: "start" });
    else {
      this.#isStarted = true;
      this.#listener.onState({ name: "connecting" });
      this.#join();
    }
  }

  /** Close permanently. */
  stop() {
    this.#cancelSilenceTimer();
    this.#leadership?.connection.stop();
    this.#leadership = null;
    this.#lose();
    this.#lock.close();
    this.#channel.close();
  }

  /** The window is visible again. */
  check() {
    if (this.#leadership !== null) this.#leadership.connection.check();
    else if (this.#isStarted) {
      this.#channel.post({ type: "check" });
      this.#askLeader();
    }
  }

  networkIsBack() {
    this.#leadership?.connection.networkIsBack();
  }

  networkIsGone() {
    this.#leadership?.connection.networkIsGone();
  }

  // -- Commands --

  /**
   * Send a command. Resolves with its reply, rejects with CommandError.
   *
   * @template {import("../net/protocol.js").Command} C
   * @param {C} command
   * @returns {Promise<import("../net/protocol.js").ReplyTo[C["type"]]>}
   */
  async request(command) {
    if (!this.#isWelcomed) throw noReply("lost");
    const { id, reply } = this.#pending.add(REPLY_TIMEOUT_MS, idPrefix(this.#tab));
    this.#send({ ...command, id });
    // The protocol fixes the type of the reply to each command.
    return /** @type {Promise<import("../net/protocol.js").ReplyTo[C["type"]]>} */ (reply);
  }

  /**
   * Send a command that has no reply. Without a connection it is dropped.
   *
   * @param {import("../net/protocol.js").TypingCommand} command
   */
  notify(command) {
    if (this.#isWelcomed) this.#send(command);
  }

  // -- Leading --

  #join() {
    this.#lock.wait();
    if (this.#leadership === null) this.#askLeader();
  }

  #lead() {
    this.#cancelSilenceTimer();
    this.#leader = this.#tab;
    this.#lose();
    this.#channel.post({ type: "leading" });
    this.#leadership = new SocketLeader({
      tab: this.#tab,
      channel: this.#channel,
      createConnection: this.#createConnection,
      own: {
        onState: (state) => this.#listener.onState(state),
        onWelcome: (welcome) => this.#welcomed(welcome),
        onFrame: (frame) => this.#deliver(frame),
        onDisconnected: () => this.#lose(),
        onSessionEnded: () => this.#listener.onSessionEnded(),
      },
    });
    this.#leadership.connection.start();
  }

  #stepDown() {
    this.#leadership?.connection.stop();
    this.#leadership = null;
    this.#leader = "";
    this.#join();
  }

  // -- Following --

  /** A leader that was closed has no lock any more. One that does not answer hangs. */
  #askLeader() {
    this.#channel.post({ type: "hello" });
    this.#expectLeaderWithin(ANSWER_MS, () => {
      this.#channel.hasOthers = true; // the one that has the lock, and those that wait for it
      this.#lock.steal();
    });
  }

  /**
   * @param {number} ms
   * @param {() => void} onSilence
   */
  #expectLeaderWithin(ms, onSilence) {
    this.#cancelSilenceTimer();
    this.#cancelSilenceTimer = this.#clock.schedule(ms, onSilence);
  }

  /**
   * @param {string} tab
   * @param {import("./tab_channel.js").LeaderMessage} message
   */
  #follow(tab, message) {
    if (this.#leadership !== null || !this.#isStarted) return;
    if (message.type === "leading" || this.#leader === "") this.#leader = tab;
    if (tab !== this.#leader) return;
    if (message.type === "leading" || message.type === "disconnected") this.#lose();
    else if (message.type === "state") this.#listener.onState(message.state);
    else if (message.type === "frame") this.#deliver(message.frame);
    // It also answers `hello` of a tab that is connected already.
    else if (!this.#isWelcomed) this.#welcomed(message.welcome);
    // While there is a connection, the server sends frames at this interval.
    if (this.#isWelcomed) this.#expectLeaderWithin(this.#maxSilenceMs, () => this.#askLeader());
    else this.#cancelSilenceTimer();
  }

  // -- This tab --

  /** @param {import("../net/protocol.js").Welcome} welcome */
  #welcomed(welcome) {
    this.#isWelcomed = true;
    this.#maxSilenceMs = welcome.heartbeat_seconds * 2_000;
    this.#listener.onWelcome(welcome);
  }

  /** @param {import("../net/protocol.js").ServerFrame} frame */
  #deliver(frame) {
    if (!this.#isWelcomed) return;
    this.#listener.onFrame(frame);
    this.#pending.settle(frame);
  }

  #lose() {
    if (!this.#isWelcomed) return;
    this.#isWelcomed = false;
    this.#pending.rejectAll();
    this.#listener.onDisconnected();
  }

  /** @param {import("../net/protocol.js").SentCommand} command */
  #send(command) {
    if (this.#leadership !== null) this.#leadership.connection.send(command);
    else this.#channel.post({ type: "send", command });
  }
}
