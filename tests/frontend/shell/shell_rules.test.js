import assert from "node:assert/strict";
import test from "node:test";

import { parseRoute, roomHash } from "../../../frontend/modules/route.js";
import { matchScore } from "../../../frontend/modules/shell/fuzzy_match.js";
import { typingText } from "../../../frontend/modules/shell/room_header.js";
import { leftNote } from "../../../frontend/modules/shell/room_view.js";
import { nextRow, sidebarRows, totalUnread } from "../../../frontend/modules/shell/sidebar_rows.js";
import { windowTitle } from "../../../frontend/modules/shell/window_title.js";
import { FakeClock, settle } from "../support/clock.js";
import { GRACE, messageIn, openStore, roomInfo, SELF, welcome } from "../support/rooms.js";

test("reads addresses, and takes anything else for the start", () => {
  assert.deepEqual(parseRoute("#/room/lobby"), { name: "room", room: "lobby", seq: null });
  assert.deepEqual(parseRoute("#/room/lobby/17"), { name: "room", room: "lobby", seq: 17 });
  assert.deepEqual(parseRoute("#/invite/ab%2Fc"), { name: "invite", code: "ab/c" });
  for (const hash of ["", "#", "#/", "#/room", "#/room/", "#nothing"]) {
    assert.equal(parseRoute(hash).name, "home", hash);
  }
  for (const seq of ["0", "-1", "x", "1.5", "1e99"]) assert.equal(parseRoute(`#/room/a/${seq}`).seq, null, seq);
  assert.equal(parseRoute("#/room/%E0%A4%A").room, "%E0%A4%A");
  assert.equal(roomHash("a b", 3), "#/room/a%20b/3");
});

test("says how much is unread in the title", () => {
  assert.equal(windowTitle("lobby", 0), "lobby – cloudchat");
  assert.equal(windowTitle("lobby", 3), "(3) lobby – cloudchat");
  assert.equal(windowTitle("", 1000), "(99+) cloudchat");
});

test("names up to two people who type", () => {
  assert.equal(typingText([]), "");
  assert.equal(typingText(["ada"]), "ada is typing…");
  assert.equal(typingText(["ada", "bob"]), "ada and bob are typing…");
  assert.equal(typingText(["ada", "bob", "cid"]), "Several people are typing…");
});

test("says whether the user was removed or banned, and until when", () => {
  const now = Date.parse("2026-11-22T10:00:00Z");
  assert.equal(leftNote({ title: "tea" }, now), "You are no longer a member of tea.");
  assert.equal(leftNote({ title: "tea", bannedUntil: null }, now), "A moderator has banned you from tea.");
  const note = leftNote({ title: "tea", bannedUntil: "2026-12-24T10:00:00Z" }, now);
  assert.match(note, /^A moderator has banned you from tea until .*24/u);
});

test("ranks the beginning of a name above the middle, and finds letters with gaps", () => {
  const ranked = ["garden", "back garden", "g-a-r", "lobby"]
    .map((name) => [matchScore(name, "gar"), name])
    .filter(([score]) => score !== null)
    .sort(([a], [b]) => b - a)
    .map(([, name]) => name);
  assert.deepEqual(ranked, ["garden", "back garden", "g-a-r"]);
  assert.notEqual(matchScore("Ärzte", "arz"), null);
});

test("lists rooms by name, archived ones last, and counts muted rooms by mentions only", async () => {
  const { store } = openStore(new FakeClock());
  store.welcome(
    welcome(
      roomInfo("z", { name: "Zoo" }),
      roomInfo("old", { archived: true }),
      roomInfo("m", { name: "ants", muted: true }),
      roomInfo("d", { kind: "direct", name: "", users: [GRACE] }),
    ),
  );
  await settle();
  store.receive(messageIn("m", 1));
  store.receive(messageIn("m", 2, { mentions: [SELF.id] }));
  store.receive(messageIn("d", 1));
  const rows = sidebarRows(store);
  assert.deepEqual(
    rows.rooms.map(({ id }) => id),
    ["m", "z", "old"],
  );
  assert.equal(totalUnread([...rows.rooms, ...rows.direct]), 2);
  store.show(store.get("z"));
  assert.equal(nextRow(store, 1, false).id, "old");
  assert.equal(nextRow(store, 1, true).id, "d");
  assert.equal(nextRow(store, -1, false).id, "m");
});
