import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ApiError } from "../../../frontend/modules/net/http/api.js";
import { MissingRoom } from "../../../frontend/modules/shell/missing_room.js";
import { FakeClock, settle } from "../support/clock.js";
import { openPage } from "../support/dom.js";

const MISSING = "This room does not exist, or you are not a member of it.";

let clock;
/** What the server answers about the room. */
let answer;
let joined;
let missing;

beforeEach(() => {
  openPage();
  clock = new FakeClock();
  joined = [];
  const api = { get: async () => answer(), putMember: async (...member) => void joined.push(member) };
  missing = new MissingRoom({ api, selfId: "u1", clock });
});

const shown = () => document.getElementById("no-room-text").textContent;
const joinButton = () => document.getElementById("join-room");

test("offers to join a public room", async () => {
  answer = () => ({ name: "Garden", role: null });
  missing.show("garden");
  assert.equal(shown(), "Opening the room…");
  await settle();
  assert.equal(shown(), "You are not a member of Garden.");
  assert.equal(joinButton().hidden, false);
  joinButton().click();
  await settle();
  assert.deepEqual([joined, joinButton().hidden, shown()], [[["garden", "u1"]], true, "Opening the room…"]);
  missing.hide();
  assert.equal(document.getElementById("no-room").hidden, true);
});

test("says at once that a room does not exist, or that it is a private one of others", async () => {
  answer = () => {
    throw new ApiError(404, { code: "not_found", message: "no such room" });
  };
  missing.show("nowhere");
  await settle();
  assert.equal(shown(), MISSING);
});

test("without a network, says that the room is not here, and asks again when the server is back", async () => {
  answer = () => {
    throw new ApiError(0, {});
  };
  missing.show("garden");
  await settle();
  assert.match(shown(), /^This room is not stored on this device\./u);
  await clock.advance(60_000);
  missing.show("garden");
  assert.match(shown(), /^This room is not stored on this device\./u);
  answer = () => ({ name: "Garden", role: null });
  missing.connected();
  await settle();
  assert.equal(shown(), "You are not a member of Garden.");
  missing.connected();
  assert.equal(shown(), "You are not a member of Garden.");
});

test("waits for a room that was just joined, also if the server is busy", async () => {
  const answers = [
    () => ({ name: "Garden", role: "member" }),
    () => {
      throw new ApiError(503, {});
    },
  ];
  for (answer of answers) {
    missing.hide();
    missing.show("garden");
    await settle();
    missing.show("garden");
    assert.equal(shown(), "Opening the room…");
    await clock.advance(5_000);
    assert.equal(shown(), MISSING);
  }
});

test("an answer about an earlier room is ignored", async () => {
  answer = () => ({ name: "Garden", role: null });
  missing.show("garden");
  missing.hide();
  await settle();
  assert.equal(joinButton().hidden, true);
});
