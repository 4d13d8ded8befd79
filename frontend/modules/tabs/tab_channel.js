/**
 * What the tabs that share a socket tell each other. Messages of the leader go to all tabs, or to one of them (`to`);
 * those of the others to the leader.
 *
 * @typedef {{to?: string | null} & ({type: "leading"} | {type: "state", state: import("../net/socket/connection.js").ConnectionState} |
 *   {type: "welcome", welcome: import("../net/protocol.js").Welcome} | {type: "disconnected"} |
 *   {type: "frame", except?: string, frame: import("../net/protocol.js").ServerFrame})} LeaderMessage
 *   leading: a tab has begun to lead. welcome: at a connect, and the answer to `hello` while there is a connection
 * @typedef {{type: "hello"} | {type: "check"} | {type: "start"} |
 *   {type: "send", command: import("../net/protocol.js").SentCommand}} FollowerMessage
 *   hello: is answered by the state. check, start: see Connection
 *
 * @typedef {Pick<BroadcastChannel, "postMessage" | "close"> & {onmessage: ((event: MessageEvent) => void) | null}} Channel
 *
 * @typedef {object} Sharing
 * @property {string} tab id of this tab
 * @property {Pick<LockManager, "request"> | null} locks null: each tab has a socket of its own
 * @property {Channel | null} channel
 */

const FOLLOWER_TYPES = new Set(["hello", "check", "start", "send"]);

/**
 * @param {string} tab id of this tab
 * @param {string} scope of the tabs that share a socket: those of one user
 * @returns {Sharing}
 */
export function openSharing(tab, scope) {
  // Plain http beyond loopback is no secure context.
  if (!navigator.locks) return { tab, locks: null, channel: null };
  return { tab, locks: navigator.locks, channel: new BroadcastChannel(`cloudchat.socket.${scope}`) };
}

export class TabChannel {
  /** Whether there may be other tabs: a message between tabs takes longer than to handle a frame. */
  hasOthers = false;
  #tab;
  #channel;

  /**
   * @param {Sharing} sharing
   * @param {object} receivers
   * @param {(tab: string, message: FollowerMessage) => void} receivers.onFollower
   * @param {(tab: string, message: LeaderMessage) => void} receivers.onLeader a message for this tab
   */
  constructor({ tab, channel }, { onFollower, onLeader }) {
    this.#tab = tab;
    this.#channel = channel;
    if (channel === null) return;
    channel.onmessage = ({ data: { from, message } }) => {
      this.hasOthers = true;
      if (FOLLOWER_TYPES.has(message.type)) onFollower(from, message);
      else if ((message.to ?? tab) === tab && message.except !== tab) onLeader(from, message);
    };
  }

  /** @param {LeaderMessage | FollowerMessage} message */
  post(message) {
    this.#channel?.postMessage({ from: this.#tab, message });
  }

  close() {
    this.#channel?.close();
    this.#channel = null;
  }
}
