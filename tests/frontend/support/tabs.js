/** Tabs of one browser: their Web Locks and their BroadcastChannel. */

export class FakeBrowser {
  #queue = [];
  #holder = null;
  #channels = new Set();

  locks() {
    const request = (_, options, callback) =>
      new Promise((resolve, reject) => {
        const entry = { callback, resolve, reject };
        options.signal?.addEventListener("abort", () => {
          if (!this.#queue.includes(entry)) return;
          this.#queue = this.#queue.filter((other) => other !== entry);
          reject(new Error("aborted"));
        });
        if (options.steal === true) {
          this.#holder?.reject(new Error("stolen"));
          this.#holder = null;
          this.#queue.unshift(entry);
        } else this.#queue.push(entry);
        queueMicrotask(() => this.#grant());
      });
    return { request };
  }

  channel() {
    let waiting = [];
    const channel = {
      onmessage: null,
      /** A frozen tab gets its messages later. */
      isFrozen: false,
      postMessage: (data) => {
        for (const other of this.#channels) if (other !== channel) other.deliver(structuredClone(data));
      },
      deliver(data) {
        if (channel.isFrozen) waiting.push(data);
        else queueMicrotask(() => channel.onmessage?.({ data }));
      },
      thaw() {
        channel.isFrozen = false;
        for (const data of waiting) channel.deliver(data);
        waiting = [];
      },
      close: () => this.#channels.delete(channel),
    };
    this.#channels.add(channel);
    return channel;
  }

  async #grant() {
    const entry = this.#queue.at(0);
    if (this.#holder !== null || entry === undefined) return;
    this.#queue.shift();
    this.#holder = entry;
    const held = entry.callback();
    await held;
    if (this.#holder !== entry) return;
    this.#holder = null;
    entry.resolve();
    this.#grant();
  }
}
