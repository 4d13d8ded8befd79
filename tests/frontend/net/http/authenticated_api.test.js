import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ApiError } from "../../../../frontend/modules/net/http/api.js";
import { createAuthenticatedApi } from "../../../../frontend/modules/net/http/authenticated_api.js";
import { SessionEnded, StaleRequest } from "../../../../frontend/modules/net/session/session.js";

let tokens;
let answers;
let sessionsEnded;
let session;
let request;

beforeEach(() => {
  tokens = [];
  answers = [];
  sessionsEnded = 0;
  session = { user: { id: "ada" }, accessToken: async () => "old", refresh: async () => "new" };
  const api = async (_method, _path, _body, token) => {
    tokens.push(token);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const onSessionEnded = () => {
    sessionsEnded += 1;
  };
  request = createAuthenticatedApi({ api, session, onSessionEnded });
});

test("refreshes a token once that was revoked before it expired", async () => {
  answers = [new ApiError(401, {}), "yes"];
  assert.equal(await request("GET", "/x"), "yes");
  assert.deepEqual(tokens, ["old", "new"]);
});

test("never repeats a request as another user", async () => {
  answers = [new ApiError(401, {}), "yes"];
  const requested = request("DELETE", "/x");
  session.user = { id: "grace" };
  await assert.rejects(requested, StaleRequest);
  assert.deepEqual(tokens, ["old"]);
  assert.equal(sessionsEnded, 0);
});

test("does not take a wrong password for an expired token", async () => {
  answers = [new ApiError(401, { field: "password", message: "wrong" }), "yes"];
  await assert.rejects(request("POST", "/x", {}), { field: "password" });
  assert.deepEqual(tokens, ["old"]);
});

test("reports the end of the session", async () => {
  session.accessToken = async () => {
    throw new SessionEnded("over");
  };
  await assert.rejects(request("GET", "/x"), SessionEnded);
  assert.equal(sessionsEnded, 1);
});
