/**
 * The tab that has the socket: sends the commands of all tabs, and gives each tab its frames.
 *
 * @typedef {import("../net/socket/connection.js").ConnectionListener} ConnectionListener
 */

import { FrameRouter } from "./frame_router.js";

export class SocketLeader {
  #tab;
  #channel;
  #own;
  #connection;
  /** While there is a connection. @type {FrameRouter | null} */
  #router = null;
  /** @type {import("../net/socket/connection.js").ConnectionState} */
  #state = { name: "connecting" };

  /**
   * @param {object} options
   * @param {string} options.tab id of this tab
   * @param {import("./tab_channel.js").TabChannel} options.channel to the other tabs
   * @param {ConnectionListener} options.own of this tab
   * @param {(listener: ConnectionListener) => import("../net/socket/connection.js").Connection} options.createConnection
   */
  constructor({ tab, channel, own, createConnection }) {
    this.#tab = tab;
    this.#channel = channel;
    this.#own = own;
    this.#connection = createConnection({
      onState: (state) => this.#setState(state),
      onWelcome: (welcome) => this.#welcome(welcome),
      onFrame: (frame) => this.#distribute(frame),
      onDisconnected: () => this.#disconnected(),
      onSessionEnded: () => own.onSessionEnded(),
    });
  }

  /** @returns {import("../net/socket/connection.js").Connection} */
  get connection() {
    return this.#connection;
  }

  /**
   * Handle a message of another tab.
   *
   * @param {string} tab
   * @param {import("./tab_channel.js").FollowerMessage} message
   */
  receive(tab, message) {
    if (message.type === "send") this.#connection.send(message.command);
    else if (message.type === "start") this.#connection.start();
    else if (message.type === "check") this.#connection.check();
    else {
      this.#channel.post({ type: "state", to: tab, state: this.#state });
      if (this.#router !== null) this.#channel.post({ type: "welcome", to: tab, welcome: this.#router.welcome });
    }
  }

  // -- Internal --

  /** @param {import("../net/socket/connection.js").ConnectionState} state */
  #setState(state) {
    this.#state = state;
    this.#own.onState(state);
    this.#channel.post({ type: "state", state });
  }

  /** @param {import("../net/protocol.js").Welcome} welcome */
  #welcome(welcome) {
    this.#router = new FrameRouter(welcome);
    this.#own.onWelcome(welcome);
    this.#channel.post({ type: "welcome", welcome });
  }

  /** @param {import("../net/protocol.js").ServerFrame} received */
  #distribute(received) {
    for (const { to, except, frame } of this.#router?.route(received) ?? []) {
      const isOwn = to === null ? except !== this.#tab : to === this.#tab;
      if (isOwn) this.#own.onFrame(frame);
      // A tab that is opened now says `hello`. One that followed an earlier leader was heard then, or sends commands.
      if (to !== this.#tab && this.#channel.hasOthers) this.#channel.post({ type: "frame", to, except, frame });
    }
  }

  #disconnected() {
    this.#router = null;
    this.#own.onDisconnected();
    this.#channel.post({ type: "disconnected" });
  }
}
