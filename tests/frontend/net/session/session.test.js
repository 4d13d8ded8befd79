import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ApiError } from "../../../../frontend/modules/net/http/api.js";
import { Session, SessionEnded, StaleRequest } from "../../../../frontend/modules/net/session/session.js";
import { FakeClock, settle } from "../../support/clock.js";

const ADA = { id: "u1", name: "ada", role: "member" };
const GRACE = { id: "u2", name: "grace", role: "member" };

let clock;
let stored;
let storage;
let requests;
let answer;
let api;
let session;

beforeEach(() => {
  clock = new FakeClock();
  stored = new Map();
  storage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
    removeItem: (key) => stored.delete(key),
  };
  requests = [];
  answer = accept;
  api = async (_method, path, _body, _token, timeoutMs) => {
    requests.push(path.split("/").at(-1));
    return answer(path, timeoutMs);
  };
  session = new Session({ api, clock, storage, locks: null });
});

function accept() {
  return { access_token: `t${requests.length}`, expires_in: 600, user: ADA };
}

function fail(status, details = {}) {
  throw new ApiError(status, details);
}

/** Hold the answers to one path until the test lets them go. */
function hold(name, release) {
  const held = Promise.withResolvers();
  answer = (path) => (path.endsWith(name) ? held.promise : accept());
  return () => release(held);
}

test("uses a valid token and refreshes one that expires soon", async () => {
  await session.logIn("ada", "secret");
  assert.equal(await session.accessToken(), "t1");
  clock.jump(569_000);
  assert.equal(await session.accessToken(), "t1");
  clock.jump(2_000);
  assert.equal(await session.accessToken(), "t2");
  assert.deepEqual(requests, ["login", "refresh"]);
});

test("shares one refresh between callers", async () => {
  assert.deepEqual(await Promise.all([session.restore(), session.restore()]), ["t1", "t1"]);
  assert.deepEqual(requests, ["refresh"]);
});

test("stores no token and no password", async () => {
  await session.logIn("ada", "secret");
  assert.deepEqual([...stored], [["cloudchat.signed_in", "1"]]);
});

test("ends the session when the server rejects it, and not when the server has a problem", async () => {
  await session.logIn("ada", "secret");
  const outcomes = [];
  // A 403 without the server's error code comes from something in between, for example a storage bucket.
  for (const status of [0, 403, 500, 503, 401]) {
    answer = () => fail(status, status === 401 ? { code: "unauthenticated" } : {});
    const refresh = session
      .refresh()
      .catch((error) => outcomes.push([status, error instanceof SessionEnded, stored.size]));
    await clock.advance(10_000);
    await refresh;
  }
  assert.deepEqual(outcomes, [
    [0, false, 1],
    [403, false, 1],
    [500, false, 1],
    [503, false, 1],
    [401, true, 0],
  ]);
});

for (const status of [0, 500, 502, 503]) {
  test(`retries a refresh after status ${status} while the server still repeats its answer`, async () => {
    answer = () => (requests.length < 5 ? fail(status) : accept());
    const refresh = session.restore();
    await clock.advance(8_000);
    assert.equal(await refresh, "t5");
    assert.equal(requests.length, 5);
  });
}

test("retries a refresh without an answer once, and then gives up", async () => {
  answer = (_path, timeoutMs) =>
    new Promise((_resolve, reject) => {
      clock.schedule(timeoutMs, () => reject(new ApiError(0, {})));
    });
  const refresh = assert.rejects(session.restore(), { status: 0 });
  await clock.advance(10_000);
  await refresh;
  assert.equal(requests.length, 2);
});

test("stays signed out after a sign-out during the retries", async () => {
  answer = () => fail(0);
  const refresh = assert.rejects(session.restore(), StaleRequest);
  await settle();
  answer = accept;
  await session.logOut();
  await clock.advance(8_000);
  await refresh;
  assert.deepEqual(requests, ["refresh", "logout"]);
  assert.equal(session.user, null);
});

test("waits for the newer cookie when another tab refreshes at the same time", async () => {
  answer = () => (requests.length < 3 ? fail(409, { retry_after_ms: 500 }) : accept());
  const refresh = session.restore();
  await clock.advance(1000);
  assert.equal(await refresh, "t3");
  assert.equal(requests.length, 3);
});

test("does not undo a sign-out when an earlier refresh is answered", async () => {
  const release = hold("refresh", ({ resolve }) => resolve(accept()));
  const refresh = assert.rejects(session.restore(), StaleRequest);
  await settle();
  await session.logOut();
  release();
  await refresh;
  assert.equal(session.user, null);
  assert.equal(stored.size, 0);
});

test("sends a sign-in only after the answer to the sign-out, which deletes the cookie", async () => {
  await session.logIn("ada", "secret");
  const release = hold("logout", ({ reject }) => reject(new ApiError(0, {})));
  session.logOut().catch(() => {});
  const signIn = session.logIn("ada", "secret");
  await settle();
  assert.deepEqual(requests, ["login", "logout"]);
  release();
  await signIn;
  assert.deepEqual(requests, ["login", "logout", "login"]);
  assert.equal(session.user.name, "ada");
});

test("ends the session when the cookie belongs to another user, and leaves the cookie to them", async () => {
  // In another tab ada signed out and grace signed in: nothing of this page may be sent as grace.
  await session.logIn("ada", "secret");
  answer = () => ({ access_token: "theirs", expires_in: 600, user: GRACE });
  await assert.rejects(session.refresh(), SessionEnded);
  assert.equal(session.user, null);
  assert.equal(session.mayBeRestorable, true);
  assert.equal(await session.restore(), "theirs");
  assert.equal(session.user.name, "grace");
});

for (const isRejected of [true, false]) {
  test(`ignores the ${isRejected ? "rejected" : "accepted"} refresh of an earlier session after the next sign-in`, async () => {
    await session.logIn("ada", "secret");
    const release = hold("refresh", ({ resolve, reject }) =>
      isRejected ? reject(new ApiError(401, { code: "unauthenticated" })) : resolve(accept()),
    );
    const refresh = assert.rejects(session.refresh(), StaleRequest);
    await settle();
    await session.logOut();
    const signIn = session.logIn("ada", "secret");
    await settle();
    assert.equal(requests.at(-1), "logout"); // the late cookie would overwrite the one of the new sign-in
    release();
    await signIn;
    await refresh;
    assert.equal(session.user.name, "ada");
    assert.equal(stored.size, 1);
    assert.equal(await session.accessToken(), "t4");
  });
}

test("sends no refresh after a sign-out while it waited for the lock", async () => {
  const turn = Promise.withResolvers();
  const locks = { request: (_name, _options, work) => turn.promise.then(work) };
  const waiting = new Session({ api, clock, storage, locks });
  const refresh = assert.rejects(waiting.restore(), StaleRequest);
  await waiting.logOut();
  turn.resolve();
  await refresh;
  assert.deepEqual(requests, ["logout"]);
});

test("does not sign in again for a request that outlived the session", async () => {
  await session.logIn("ada", "secret");
  await session.logOut();
  await assert.rejects(session.accessToken(), StaleRequest);
  assert.deepEqual(requests, ["login", "logout"]);
  assert.equal(session.user, null);
});

test("refreshes without the lock if another tab holds it for ever, and takes no turn later", async (t) => {
  t.mock.method(console, "warn", () => {});
  let signal;
  const locks = {
    request: (_name, options) => {
      ({ signal } = options);
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
  };
  const waiting = new Session({ api, clock, storage, locks });
  const refresh = waiting.restore();
  await clock.advance(9_999);
  assert.deepEqual(requests, []);
  await clock.advance(1);
  assert.equal(await refresh, "t1");
  assert.equal(signal.aborted, true);
});

test("refreshes without the lock if the browser refuses it", async (t) => {
  t.mock.method(console, "warn", () => {});
  const locks = { request: () => Promise.reject(new Error("not here")) };
  assert.equal(await new Session({ api, clock, storage, locks }).restore(), "t1");
});

for (const [name, body] of Object.entries({ empty: null, foreign: { status: "ok" }, half: { access_token: "t" } })) {
  test(`says that something else answered a sign-in (${name})`, async () => {
    answer = () => body;
    await assert.rejects(session.logIn("ada", "secret"), { name: "ApiError", message: /proxy/u });
    assert.equal(session.user, null);
    const refresh = assert.rejects(session.restore(), { name: "ApiError", message: /proxy/u });
    await clock.advance(10_000);
    await refresh;
  });
}
