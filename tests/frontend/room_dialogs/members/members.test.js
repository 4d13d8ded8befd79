import assert from "node:assert/strict";
import test from "node:test";

import { showNotice } from "../../../../frontend/modules/room_dialogs/dialog_error.js";
import { membersLoader, renderMemberText } from "../../../../frontend/modules/room_dialogs/members/listed_members.js";
import { memberActions } from "../../../../frontend/modules/room_dialogs/members/member_actions.js";
import { permissionsOf } from "../../../../frontend/modules/rooms/permissions.js";
import { element } from "../../../../frontend/modules/ui/dom.js";
import { FakeClock, settle } from "../../support/clock.js";
import { openPage } from "../../support/dom.js";
import { roomInfo, SELF } from "../../support/rooms.js";

const BOB = { id: "bob", name: "bob", role: "member" };
const EVE = { id: "eve", name: "eve", role: "member" };

/** A room of which the user is the owner or has another role. */
function roomAs(role) {
  const info = roomInfo("garden", { role });
  return { id: info.id, info, permissions: permissionsOf(info, "user") };
}

test("moderators see who is muted, however many there are", async () => {
  openPage();
  const mutes = { first: { users: [EVE], next: "e" }, e: { users: [{ id: "other" }], next: null } };
  const asked = [];
  const api = {
    listMembers: async () => ({ members: [BOB, EVE], next: null }),
    listRestricted: async (_room, kind, cursor) => asked.push(kind) && mutes[cursor ?? "first"],
  };
  const { items } = await membersLoader(api, roomAs("owner"))("", null);
  assert.deepEqual(
    items.map((member) => renderMemberText(member).textContent),
    ["bob", "eve Muted"],
  );
  assert.deepEqual(asked, ["mutes", "mutes"]);
  const seen = await membersLoader(api, roomAs("member"))("", null);
  assert.deepEqual(
    seen.items.map(({ isMuted }) => isMuted),
    [false, false],
  );
  assert.equal(asked.length, 2);
});

test("a member can be muted or unmuted, and the notice below the header goes away", async () => {
  openPage();
  const clock = new FakeClock();
  const lifted = [];
  const api = { lift: async (...args) => lifted.push(args) };
  const panel = element("aside", {}, element("header"), element("ul"));
  const actionsOf = (isMuted) =>
    memberActions({
      context: { api, self: SELF, clock },
      room: roomAs("owner"),
      member: { ...BOB, isMuted },
      panel,
      onDone: () => {},
    });
  const labels = (isMuted) => actionsOf(isMuted).map(({ label }) => label);
  assert.ok(labels(false).includes("Mute") && !labels(false).includes("Unmute"));
  assert.ok(labels(true).includes("Unmute") && !labels(true).includes("Mute"));

  actionsOf(true)
    .find(({ label }) => label === "Unmute")
    .run();
  await settle();
  assert.deepEqual(lifted, [["garden", "mutes", "bob"]]);
  assert.deepEqual(
    [...panel.children].map(({ localName }) => localName),
    ["header", "p", "ul"],
  );
  await clock.advance(10_000);
  assert.equal(panel.querySelector("p"), null);
});

test("a notice in a dialog is at the top of its body", () => {
  openPage();
  const body = element("div", { class: "modal-body" }, element("form"));
  showNotice(element("dialog", {}, element("header"), body), "Saved.");
  assert.equal(body.firstElementChild.textContent, "Saved.");
});
