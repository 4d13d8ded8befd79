/** One WebSocket of the page: reports its frames in order, and its end once. Silence for too long is an end, too. */

/** RFC 6455 §7.4.1: the connection ended without a close frame. */
const ABNORMAL_CLOSURE = 1006;

export class WatchedSocket {
  #socket;
  #clock;
  #onClosed;
  #isClosed = false;
  #cancelTimer = () => {};

  /**
   * @param {WebSocket} socket
   * @param {import("../../clock.js").Clock} clock
   * @param {(frame: import("../protocol.js").ServerFrame) => void} onFrame
   * @param {(code: number) => void} onClosed not after `close`
   */
  constructor(socket, clock, onFrame, onClosed) {
    this.#socket = socket;
    this.#clock = clock;
    this.#onClosed = onClosed;
    socket.onmessage = ({ data }) => {
      if (this.#isClosed) return;
      const frame = parseFrame(data);
      if (frame === null) this.fail();
      else onFrame(frame);
    };
    socket.onclose = ({ code }) => this.#end(code);
  }

  /** @param {number} ms after which the connection counts as dead; the next call replaces it */
  expectFrameWithin(ms) {
    this.#cancelTimer();
    if (!this.#isClosed) this.#cancelTimer = this.#clock.schedule(ms, () => this.fail());
  }

  /** @param {import("../protocol.js").SentCommand} command */
  send(command) {
    this.#socket.send(JSON.stringify(command));
  }

  /** The connection is dead. */
  fail() {
    this.#end(ABNORMAL_CLOSURE);
  }

  /** Close without waiting for the closing handshake, which a dead peer never finishes. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer();
    this.#socket.close();
  }

  /** @param {number} code */
  #end(code) {
    if (this.#isClosed) return;
    this.close();
    this.#onClosed(code);
  }
}

/**
 * @param {unknown} data
 * @returns {import("../protocol.js").ServerFrame | null} null: not from cloudchat
 */
function parseFrame(data) {
  try {
    const frame = JSON.parse(String(data));
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
