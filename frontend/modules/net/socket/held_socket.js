/** A WebSocket that is opened before its user is there: what it receives until then is kept. */

export class HeldSocket {
  #socket;
  /** @type {(MessageEvent | CloseEvent)[]} */
  #events = [];
  #protocols;

  /**
   * @param {string} url
   * @param {string[]} protocols
   */
  constructor(url, protocols) {
    this.#protocols = protocols;
    this.#socket = new WebSocket(url, protocols);
    this.#socket.onmessage = (event) => void this.#events.push(event);
    this.#socket.onclose = (event) => void this.#events.push(event);
  }

  /** @param {string[]} protocols one of them is the token */
  isFor(protocols) {
    return protocols.join() === this.#protocols.join();
  }

  /**
   * Give the socket to its user, who sets its handlers at once. They get what was kept, in the same order.
   *
   * @returns {WebSocket}
   */
  release() {
    const socket = this.#socket;
    socket.onmessage = socket.onclose = null;
    queueMicrotask(() => {
      for (const event of this.#events) {
        if (event instanceof MessageEvent) socket.onmessage?.(event);
        else socket.onclose?.(event);
      }
    });
    return socket;
  }

  close() {
    this.#socket.close();
  }
}
