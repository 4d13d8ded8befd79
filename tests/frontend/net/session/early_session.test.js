import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { EarlySession, REFRESH_PATH } from "../../../../frontend/modules/net/session/early_session.js";
import { FakeClock, settle } from "../../support/clock.js";

const CONFIG = { api: "https://api.example.org", socket: "wss://api.example.org" };
const REFRESH = { method: "POST", path: REFRESH_PATH, body: {} };
const PROTOCOLS = ["cloudchat.v1", "cloudchat.token.t1"];

let clock;
let requests;
let sockets;
let heldLocks;
let answer;
let early;

class FakeSocket {
  isClosed = false;
  onmessage = null;
  onclose = null;
  constructor(url, protocols) {
    Object.assign(this, { url, protocols });
    sockets.push(this);
  }
  close() {
    this.isClosed = true;
  }
}

beforeEach(() => {
  clock = new FakeClock();
  requests = [];
  sockets = [];
  heldLocks = [];
  answer = () => Response.json({ access_token: "t1", user: { id: "u1" } });
  globalThis.WebSocket = FakeSocket;
  mock.method(globalThis, "fetch", async (url) => {
    requests.push(url);
    return answer();
  });
  const locks = {
    request: (_name, _options, hold) => hold(),
    query: async () => ({ held: heldLocks.map((name) => ({ name })) }),
  };
  early = new EarlySession({ clock, locks });
});

afterEach(() => {
  mock.reset();
  delete globalThis.WebSocket;
});

async function start(config = Promise.resolve(CONFIG)) {
  early.start(config);
  for (let turn = 0; turn < 5; turn += 1) await settle();
}

test("answers the first refresh only, and sends all other requests", async () => {
  await start();
  assert.deepEqual(requests, ["https://api.example.org/api/auth/refresh"]);
  const response = await early.send(CONFIG.api, REFRESH);
  assert.equal((await response.json()).access_token, "t1");
  assert.equal(requests.length, 1);
  await early.send(CONFIG.api, REFRESH);
  await early.send(CONFIG.api, { method: "GET", path: "/api/me" });
  assert.equal(requests.length, 3);
});

test("does not use an answer that is old: its token may have expired", async () => {
  await start();
  clock.jump(10_000);
  await early.send(CONFIG.api, REFRESH);
  assert.equal(requests.length, 2);
});

test("passes on why the refresh has failed, and opens no socket then", async () => {
  answer = () => Response.json({ error: { code: "invalid_token" } }, { status: 401 });
  await start();
  assert.equal((await early.send(CONFIG.api, REFRESH)).status, 401);
  answer = () => {
    throw new TypeError("Failed to fetch");
  };
  await start();
  await assert.rejects(early.send(CONFIG.api, REFRESH), TypeError);
  assert.equal(sockets.length, 0);
});

test("sends a refresh of its own after the configuration could not be loaded", async () => {
  await start(Promise.reject(new Error("config.json: 500")));
  await assert.rejects(early.send(CONFIG.api, REFRESH), /500/u);
  await early.send(CONFIG.api, REFRESH);
  assert.equal(requests.length, 1);
});

test("opens the socket, and keeps what it receives until it is used", async () => {
  await start();
  const [socket] = sockets;
  assert.deepEqual([socket.url, socket.protocols], ["wss://api.example.org/ws", PROTOCOLS]);
  socket.onmessage(new MessageEvent("message", { data: "welcome" }));
  const taken = early.takeSocket(socket.url, PROTOCOLS);
  assert.equal(taken, socket);
  const received = [];
  taken.onmessage = ({ data }) => received.push(data);
  taken.onclose = () => received.push("closed");
  await settle();
  taken.onmessage(new MessageEvent("message", { data: "message" }));
  assert.deepEqual(received, ["welcome", "message"]);
  early.takeSocket(socket.url, PROTOCOLS);
  assert.equal(sockets.length, 2);
});

test("tells that the socket was closed before it was used", async () => {
  await start();
  const [socket] = sockets;
  socket.onclose({ type: "close", code: 4403 });
  const taken = early.takeSocket(socket.url, PROTOCOLS);
  let code = 0;
  taken.onclose = (event) => {
    code = event.code;
  };
  await settle();
  assert.equal(code, 4403);
});

test("closes a socket that is for another token, or that is not used", async () => {
  await start();
  early.takeSocket(sockets[0].url, ["cloudchat.v1", "cloudchat.token.t2"]);
  assert.deepEqual(
    sockets.map(({ isClosed }) => isClosed),
    [true, false],
  );
  await start();
  await clock.advance(10_000);
  assert.equal(sockets[2].isClosed, true);
});

test("opens no socket while another tab has one, or the user must change the password", async () => {
  heldLocks = ["cloudchat.socket.u1"];
  await start();
  heldLocks = [];
  answer = () => Response.json({ access_token: "t1", user: { id: "u1", must_change_password: true } });
  await start();
  assert.equal(sockets.length, 0);
});

test("opens no socket after the session has ended, and closes one that is open", async () => {
  await start();
  early.close();
  assert.equal(sockets[0].isClosed, true);
  await start();
  assert.equal(sockets.length, 1);
});
