import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Connection } from "../../../../frontend/modules/net/socket/connection.js";
import { ReconnectPolicy } from "../../../../frontend/modules/net/socket/reconnect_policy.js";
import { SessionEnded } from "../../../../frontend/modules/net/session/session.js";
import { FakeClock, settle } from "../../support/clock.js";

/** A socket whose server is the test. */
class FakeSocket {
  sent = [];
  isClosed = false;

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  receive(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  welcome() {
    this.receive({ type: "welcome", heartbeat_seconds: 25 });
  }

  end(code) {
    this.onclose({ code });
  }
}

let clock;
let sockets;
let socket;
let states;
let events;
let session;
let connection;
let waiting;
let isServerReachable;
let isAnswering;

beforeEach(async () => {
  clock = new FakeClock();
  sockets = [];
  states = [];
  waiting = [];
  isServerReachable = true;
  isAnswering = true;
  events = [];
  session = {
    tokens: 0,
    refreshes: 0,
    refusal: null,
    async accessToken() {
      return `old${++this.tokens}`;
    },
    async refresh() {
      if (this.refusal) throw this.refusal;
      return `new${++this.refreshes}`;
    },
  };
  connection = new Connection({
    url: "ws://chat.test/ws",
    session,
    clock,
    policy: new ReconnectPolicy({ random: () => 0.5 }),
    openSocket(url, protocols) {
      const opened = new FakeSocket(url, protocols);
      sockets.push(opened);
      return opened;
    },
    isServerReachable: async () => isServerReachable,
    isAnswering: async () => isAnswering,
    listener: {
      onState(state) {
        states.push(state.name);
        if (state.name === "waiting") waiting.push(state.reason);
      },
      onWelcome: () => events.push("welcome"),
      onFrame: (frame) => events.push(frame.type),
      onDisconnected: () => events.push("disconnected"),
      onSessionEnded: () => events.push("session ended"),
    },
  });
  await connection.start();
  [socket] = sockets;
});

test("sends the token as a subprotocol and never in the URL", () => {
  assert.equal(socket.url, "ws://chat.test/ws");
  assert.deepEqual(socket.protocols, ["cloudchat.v1", "cloudchat.token.old1"]);
});

test("is connected after the welcome, and not before", () => {
  assert.deepEqual(states, ["connecting"]);
  socket.welcome();
  assert.deepEqual(states, ["connecting", "connected"]);
});

test("matches each reply to its command", async () => {
  socket.welcome();
  const [first, second] = [connection.request({ type: "ping" }), connection.request({ type: "ping" })];
  const [firstId, secondId] = socket.sent.map(({ id }) => id);
  socket.receive({ type: "pong", id: secondId, n: 2 });
  socket.receive({ type: "error", id: firstId, code: "muted", message: "not now", retryable: false });
  assert.equal((await second).n, 2);
  await assert.rejects(first, { code: "muted", message: "Not now.", retryable: false });
});

test("rejects every request when the connection is lost, and connects again", async () => {
  socket.welcome();
  const rejected = assert.rejects(connection.request({ type: "ping" }), { code: "lost", retryable: true });
  socket.end(1006);
  await rejected;
  assert.equal(states.at(-1), "waiting");
  assert.equal(sockets.length, 1);
  await clock.advance(500);
  assert.equal(sockets.length, 2);
});

test("treats silence for two heartbeats as a lost connection", async () => {
  socket.welcome();
  await clock.advance(49_000);
  socket.receive({ type: "head" });
  await clock.advance(49_999);
  assert.equal(socket.isClosed, false);
  await clock.advance(1);
  assert.equal(socket.isClosed, true);
  assert.equal(states.at(-1), "waiting");
});

test("leaves a server that never sends a welcome", async () => {
  await clock.advance(15_000);
  assert.equal(socket.isClosed, true);
  assert.equal(states.at(-1), "waiting");
});

test("ignores late frames and closes of an earlier socket", async () => {
  socket.welcome();
  socket.end(4408);
  await clock.advance(0);
  sockets[1].welcome();
  socket.receive({ type: "head" });
  socket.end(4403);
  assert.deepEqual(events, ["welcome", "disconnected", "welcome"]);
  assert.equal(states.at(-1), "connected");
});

test("refreshes an expired token before it connects again", async () => {
  socket.welcome();
  socket.end(4401);
  await clock.advance(0);
  assert.equal(sockets[1].protocols[1], "cloudchat.token.new1");
});

test("ends the session when the refresh is rejected", async () => {
  session.refusal = new SessionEnded("no");
  socket.end(4401);
  await clock.advance(60_000);
  assert.deepEqual(events, ["session ended"]);
  assert.equal(sockets.length, 1);
});

test("tries again when the server is unreachable during a refresh", async () => {
  session.refusal = new Error("unreachable");
  socket.end(4401);
  await clock.advance(10_000);
  session.refusal = null;
  await clock.advance(30_000);
  assert.deepEqual(events, []);
  assert.equal(sockets[1].protocols[1], "cloudchat.token.new1");
});

test("renews an expiring token on the open socket", async () => {
  socket.welcome();
  socket.receive({ type: "token_expiring", token_expires_at: "…" });
  await settle();
  assert.deepEqual(
    socket.sent.map(({ type, token }) => [type, token]),
    [["auth", "new1"]],
  );
  assert.equal(sockets.length, 1);
});

test("stays away from a draining server for as long as it says", async () => {
  socket.welcome();
  socket.receive({ type: "drain", reconnect_after_ms: 7000 });
  socket.end(1012);
  await clock.advance(6999);
  assert.equal(sockets.length, 1);
  await clock.advance(1);
  assert.equal(sockets.length, 2);
});

for (const code of [1003, 1007, 1009, 4400, 4403, 4409]) {
  test(`does not reconnect after the terminal code ${code}`, async () => {
    socket.welcome();
    socket.end(code);
    await connection.check();
    await clock.advance(600_000);
    assert.equal(states.at(-1), "stopped");
    assert.equal(sockets.length, 1);
  });
}

for (const code of [1000, 1001, 1006, 1011, 1012, 4408, 4429, 4503]) {
  test(`reconnects after code ${code}`, async () => {
    socket.welcome();
    socket.end(code);
    await clock.advance(10_000);
    assert.ok(sockets.length >= 2);
  });
}

test("connects at once when the network is back", async () => {
  socket.end(4503);
  await connection.check();
  assert.equal(sockets.length, 2);
});

test("tests the connection when the window is visible again", async () => {
  socket.welcome();
  connection.check();
  assert.equal(socket.sent[0].type, "ping");
  await clock.advance(5000);
  assert.equal(states.at(-1), "waiting");
});

test("is silent after stop", async () => {
  socket.welcome();
  connection.stop();
  socket.end(1000);
  await clock.advance(600_000);
  assert.equal(socket.isClosed, true);
  assert.equal(sockets.length, 1);
  assert.equal(states.at(-1), "connected");
});

test("does not report a renewal that outlived its connection", async () => {
  const refresh = Promise.withResolvers();
  session.refresh = () => refresh.promise;
  socket.welcome();
  socket.receive({ type: "token_expiring", token_expires_at: "…" });
  connection.stop();
  refresh.reject(new SessionEnded("no"));
  await settle();
  assert.ok(!events.includes("session ended"));
});

test("rejects the waiting command at once when the server refuses it without its id", async () => {
  socket.welcome();
  const refused = assert.rejects(connection.request({ type: "ping" }), { code: "rate_limited", retryAfterMs: 300 });
  const error = { type: "error", code: "rate_limited", message: "slow down", retryable: true, retry_after_ms: 300 };
  socket.receive(error);
  await refused;
});

test("lets every waiting command be repeated if an error does not name the one that it refuses", async () => {
  socket.welcome();
  const requests = [1, 2].map(() => assert.rejects(connection.request({ type: "ping" }), { retryable: true }));
  socket.receive({ type: "error", code: "bad_request", message: "no", retryable: false });
  await Promise.all(requests);
});

test("says why the server refuses the connection, and waits as long as it asks", async () => {
  const message = "too many sockets are open from this address; close one first";
  socket.receive({ type: "error", code: "rate_limited", message, retryable: true, retry_after_ms: 9000 });
  socket.end(4429);
  assert.deepEqual(waiting, ["Too many sockets are open from this address; close one first."]);
  await clock.advance(8_999);
  assert.equal(sockets.length, 1);
  await clock.advance(1);
  sockets[1].welcome();
  sockets[1].end(1006);
  assert.equal(waiting.at(-1), "");
});

test("suspects a proxy without upgrades if only the socket does not open", async () => {
  for (let count = 0; count < 3; count += 1) {
    sockets.at(-1).end(1006);
    await clock.advance(3_000);
  }
  assert.equal(waiting[0], "");
  assert.match(waiting.at(-1), /proxy .* WebSocket upgrades/u);
  isServerReachable = false;
  await clock.advance(30_000);
  sockets.at(-1).end(1006);
  await settle();
  assert.equal(waiting.at(-1), "");
});

test("is closed within 2 s of the report that the network is gone", async () => {
  socket.welcome();
  connection.networkIsGone();
  await clock.advance(1_999);
  assert.equal(states.at(-1), "waiting");
});

test("stays connected if the server answers although the browser reports no network", async () => {
  socket.welcome();
  connection.networkIsGone();
  socket.receive({ type: "pong", id: socket.sent[0].id });
  await clock.advance(10_000);
  assert.equal(states.at(-1), "connected");
});

test("gives up an attempt that hangs when the network is back", async () => {
  await connection.networkIsBack();
  assert.equal(socket.isClosed, true);
  assert.equal(sockets.length, 2);
});

test("leaves a server that sends something else than frames", async () => {
  socket.welcome();
  socket.onmessage({ data: "<html>" });
  assert.equal(socket.isClosed, true);
  assert.equal(states.at(-1), "waiting");
});

test("opens few sockets during a long outage, and one as soon as the server answers", async () => {
  // Chromium delays sockets by seconds after many that failed.
  isAnswering = false;
  for (let second = 0; second < 60; second += 1) {
    if (states.at(-1) === "connecting") sockets.at(-1).end(1006);
    await clock.advance(1_000);
  }
  assert.ok(sockets.length < 15, `${sockets.length}`);
  const count = sockets.length;
  if (states.at(-1) === "connecting") sockets.at(-1).end(1006);
  isAnswering = true;
  await clock.advance(3_000);
  assert.equal(sockets.length, count + 1);
});
