import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { SharedConnection } from "../../../frontend/modules/tabs/shared_connection.js";
import { FakeClock, settle } from "../support/clock.js";
import { messageIn, roomInfo, welcome } from "../support/rooms.js";
import { FakeBrowser } from "../support/tabs.js";

let browser;
let clock;
let sockets;

beforeEach(() => {
  browser = new FakeBrowser();
  clock = new FakeClock();
  sockets = [];
});

/** A connection to a server that the test plays. */
function createConnection(listener, tab) {
  const socket = {
    tab,
    sent: [],
    isOpen: false,
    start() {
      socket.isOpen = true;
      listener.onState({ name: "connected" });
      listener.onWelcome(welcome(roomInfo("a")));
    },
    stop() {
      if (socket.isOpen) listener.onDisconnected();
      socket.isOpen = false;
    },
    check: () => socket.sent.push("check"),
    send: (command) => socket.sent.push(command),
    receive: (frame) => listener.onFrame(frame),
    lose() {
      listener.onDisconnected();
      listener.onState({ name: "waiting", retryAt: 0 });
    },
  };
  sockets.push(socket);
  return socket;
}

function openTab(tab) {
  const heard = [];
  const channel = browser.channel();
  const connection = new SharedConnection({
    sharing: { tab, locks: browser.locks(), channel },
    scope: "u1",
    clock,
    createConnection: (listener) => createConnection(listener, tab),
    listener: {
      onState: ({ name }) => heard.push(name),
      onWelcome: ({ rooms }) => heard.push(`welcome ${rooms.map(({ seq }) => seq)}`),
      onFrame: (frame) => heard.push(`${frame.type} ${frame.seq ?? ""}`.trim()),
      onDisconnected: () => heard.push("disconnected"),
      onSessionEnded: () => heard.push("ended"),
    },
  });
  connection.start();
  return { heard, connection, channel };
}

async function turn() {
  for (let count = 0; count < 5; count += 1) await settle();
}

async function openTwo() {
  const one = openTab("t1");
  await turn();
  const two = openTab("t2");
  await turn();
  return { one, two, socket: sockets[0] };
}

test("opens one socket for two tabs, and gives events to both", async () => {
  const { one, two, socket } = await openTwo();
  assert.equal(sockets.length, 1);
  assert.deepEqual(one.heard, ["connecting", "connected", "welcome 0"]);
  assert.deepEqual(two.heard, ["connecting", "connected", "welcome 0"]);
  socket.receive(messageIn("a", 1));
  await turn();
  assert.deepEqual([one.heard.at(-1), two.heard.at(-1)], ["message 1", "message 1"]);
  const three = openTab("t3");
  await turn();
  assert.equal(three.heard.at(-1), "welcome 1");
});

test("posts no frames while there is no other tab", async () => {
  const one = openTab("t1");
  await turn();
  const posted = [];
  const { postMessage } = one.channel;
  one.channel.postMessage = (data) => {
    posted.push(data.message.type);
    postMessage(data);
  };
  sockets[0].receive(messageIn("a", 1));
  assert.deepEqual(posted, []);
  const two = openTab("t2");
  await turn();
  sockets[0].receive(messageIn("a", 2));
  await turn();
  assert.deepEqual([one.heard.at(-1), two.heard.at(-1)], ["message 2", "message 2"]);
});

test("gives a reply to the tab that sent the command", async () => {
  const { one, two, socket } = await openTwo();
  const reply = two.connection.request({ type: "unread" });
  await turn();
  const [{ id }] = socket.sent;
  socket.receive({ type: "unread", id, rooms: [] });
  assert.deepEqual(await reply, { type: "unread", id, rooms: [] });
  assert.ok(!one.heard.includes("unread"));
  const own = one.connection.request({ type: "unread" });
  socket.receive({ type: "error", id: socket.sent[1].id, code: "rate_limited", message: "slow", retryable: true });
  await assert.rejects(own, { code: "rate_limited" });
});

test("tells the other tabs what was read in one of them", async () => {
  const { one, two, socket } = await openTwo();
  two.connection.request({ type: "read", room: "a", seq: 4 });
  await turn();
  socket.receive({ type: "ack", id: socket.sent[0].id, room: "a", seq: 4 });
  await turn();
  assert.deepEqual([one.heard.at(-1), two.heard.at(-1)], ["read 4", "ack 4"]);
});

test("gives the lock of a closed leader to the next tab, which continues with its own positions", async () => {
  const { one, two } = await openTwo();
  const waiting = assert.rejects(two.connection.request({ type: "unread" }), { code: "lost" });
  one.connection.stop();
  await turn();
  await waiting;
  assert.deepEqual(
    sockets.map(({ tab, isOpen }) => [tab, isOpen]),
    [
      ["t1", false],
      ["t2", true],
    ],
  );
  assert.deepEqual(two.heard.slice(-3), ["disconnected", "connected", "welcome 0"]);
});

test("steals the lock of a leader that does not answer, and ignores its frames when it comes back", async () => {
  const { one, two } = await openTwo();
  one.channel.isFrozen = true;
  two.connection.check();
  await clock.advance(3_000);
  assert.deepEqual(
    sockets.map(({ tab }) => tab),
    ["t1", "t2"],
  );
  one.channel.thaw();
  await turn();
  assert.equal(sockets[0].isOpen, false);
  assert.ok(one.heard.lastIndexOf("welcome 0") > one.heard.lastIndexOf("disconnected"), one.heard.join());
  sockets[1].receive(messageIn("a", 1));
  await turn();
  assert.deepEqual([one.heard.at(-1), two.heard.at(-1)], ["message 1", "message 1"]);
});

test("asks a leader that is silent for two heartbeats, and keeps one that answers", async () => {
  const { socket } = await openTwo();
  await clock.advance(60_000);
  await turn();
  assert.equal(sockets.length, 1);
  assert.equal(socket.isOpen, true);
});

test("shows a lost connection in all tabs, and connects from any of them", async () => {
  const { one, two, socket } = await openTwo();
  socket.lose();
  await turn();
  assert.deepEqual(two.heard.slice(-2), ["disconnected", "waiting"]);
  two.connection.start();
  await turn();
  assert.deepEqual([one.heard.at(-1), two.heard.at(-1)], ["welcome 0", "welcome 0"]);
});

test("opens a socket for each tab where the browser has no locks", async () => {
  for (const tab of ["t1", "t2"]) {
    const connection = new SharedConnection({
      sharing: { tab, locks: null, channel: null },
      scope: "u1",
      clock,
      createConnection: (listener) => createConnection(listener, tab),
      listener: { onState() {}, onWelcome() {}, onFrame() {}, onDisconnected() {}, onSessionEnded() {} },
    });
    connection.start();
    connection.notify({ type: "typing", room: "a" });
  }
  assert.deepEqual(
    sockets.map(({ sent }) => sent.length),
    [1, 1],
  );
});
