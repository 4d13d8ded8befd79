/**
 * A server inside of the page, for measurements: no process competes for the processor. It has one room with `size`
 * messages, answers joins and history, and sends bursts on demand (`measure.burst(perSecond, seconds)`).
 */
(() => {
  const EPOCH = "e1";
  const SIZE = window.MEASURED_MESSAGES ?? 5000;
  const START = Date.now() - SIZE * 60_000;
  const WORDS = "a message of usual length with **bold** words, `code`, a link https://example.org/a_b and an emoji 🎉".split(" ");
  const MAX_SCROLL_MS = 600_000;
  const NAMES = ["grace", "linus", "barbara", "edsger", "ada"];
  let head = SIZE;
  let socket = null;

  function messageAt(seq) {
    const name = NAMES[Math.floor(seq / 3) % NAMES.length];
    const text = Array.from({ length: 4 + (seq * 7) % 40 }, (_, index) => WORDS[(seq + index) % WORDS.length]).join(" ");
    const at = new Date(START + seq * 60_000).toISOString();
    return { type: "message", room: "lobby", epoch: EPOCH, seq, at, cid: `c${seq}`, user: { id: `u-${name}`, name }, text: `${seq} ${text}` };
  }

  function range(first, last) {
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => messageAt(first + index));
  }

  const answers = {
    join({ limit }) {
      const first = Math.max(1, head - limit + 1);
      const joined = { type: "joined", room: "lobby", status: "fresh", epoch: EPOCH, seq: head, oldest: 1 };
      return [joined, ...range(first, head)];
    },
    history({ before, after, around, limit }) {
      let first = before === undefined ? (after ?? around - limit / 2) + 1 : before - limit;
      first = Math.max(1, Math.floor(first));
      const last = Math.min(head, before === undefined ? first + limit - 1 : before - 1);
      const page = { type: "history", room: "lobby", epoch: EPOCH, as_of: head, events: range(first, last) };
      return [{ ...page, more_before: first > 1, more_after: last < head }];
    },
    unread: () => [{ type: "unread", rooms: [] }],
    who: () => [{ type: "present", room: "lobby", users: [], total: 0 }],
    read: ({ seq }) => [{ type: "ack", room: "lobby", seq }],
    ping: () => [{ type: "pong", server_time: new Date().toISOString() }],
    typing: () => [],
    send({ cid, text }) {
      head += 1;
      const event = { ...messageAt(head), cid, text, user: { id: "u-ada", name: "ada" }, at: new Date().toISOString() };
      return [event, { type: "ack", room: "lobby", epoch: EPOCH, seq: head, cid, at: event.at, duplicate: false }];
    },
  };

  window.WebSocket = class extends EventTarget {
    static OPEN = 1;
    readyState = 0;
    bufferedAmount = 0;
    protocol = "cloudchat.v1";
    constructor() {
      super();
      socket = this;
      setTimeout(() => {
        this.readyState = 1;
        this.#emit(new Event("open"));
        const room = { id: "lobby", name: "lobby", kind: "public", topic: "", role: "member", archived: false, muted: false, slow_mode_seconds: 0, epoch: EPOCH, seq: head, read: head };
        const user = { id: "u-ada", name: "ada", role: "member" };
        this.deliver({ type: "welcome", session: "s", user, heartbeat_seconds: 600, limits: { frame_bytes: 65536, text_chars: 4000, sends_per_10s: 20 }, rooms: [room] });
      });
    }
    send(text) {
      const command = JSON.parse(text);
      setTimeout(() => {
        for (const frame of answers[command.type](command)) {
          const isReply = !("seq" in frame) || ["joined", "ack"].includes(frame.type);
          this.deliver(isReply ? { ...frame, id: command.id } : frame);
        }
      }, 5);
    }
    close() {
      this.readyState = 3;
    }
    deliver(frame) {
      this.#emit(new MessageEvent("message", { data: JSON.stringify(frame) }));
    }
    #emit(event) {
      this.dispatchEvent(event);
      this[`on${event.type}`]?.(event);
    }
  };

  /** Frames per second and the longest frame, for as long as `isDone` says no. */
  function watchFrames() {
    const frames = [];
    let isWatching = true;
    const tick = (now) => {
      frames.push(now);
      if (isWatching) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    return () => {
      isWatching = false;
      const gaps = frames.slice(1).map((now, index) => now - frames[index]);
      const seconds = (frames.at(-1) - frames[0]) / 1000;
      return { fps: gaps.length / seconds, longestFrame: Math.max(...gaps) };
    };
  }

  const tasks = [];
  const keys = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) if (name === "keydown") keys.push(duration);
  }).observe({ type: "event", durationThreshold: 16 });

  const scroller = () => document.getElementById("timeline");
  const rows = () => document.querySelectorAll("#messages > li").length;
  const shown = () => [...document.querySelectorAll("#messages [data-seq]")].map(({ dataset }) => Number(dataset.seq));

  function results(frames) {
    return { ...frames, longTasks: tasks.length, longestTask: Math.max(0, ...tasks), longestKey: Math.max(0, ...keys), nodes: document.getElementsByTagName("*").length, rows: rows() };
  }

  window.measure = {
    async burst(perSecond, seconds) {
      tasks.length = keys.length = 0;
      const stop = watchFrames();
      const start = performance.now();
      let sent = 0;
      await new Promise((resolve) => {
        const timer = setInterval(() => {
          const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - start) * perSecond) / 1000));
          for (; sent < due; sent += 1) {
            head += 1;
            socket.deliver({ ...messageAt(head), at: new Date().toISOString() });
          }
          if (sent < perSecond * seconds) return;
          clearInterval(timer);
          resolve();
        }, 5);
      });
      const frames = stop();
      await new Promise((resolve) => { setTimeout(resolve, 300); });
      return { ...results(frames), isAtEnd: shown().at(-1) === head };
    },
    async scrollBack(messages, pxPerFrame) {
      tasks.length = 0;
      const stop = watchFrames();
      const until = Math.max(1, head - messages + 1);
      let most = 0;
      const deadline = performance.now() + MAX_SCROLL_MS;
      while ((shown()[0] ?? head) > until) {
        if (performance.now() > deadline) throw new Error(`scrolling back stops at message ${shown()[0]}`);
        scroller().scrollTop -= pxPerFrame;
        await new Promise((resolve) => { requestAnimationFrame(resolve); });
        most = Math.max(most, document.getElementsByTagName("*").length);
      }
      return { ...results(stop()), mostNodes: most, oldest: shown()[0] };
    },
  };
})();
