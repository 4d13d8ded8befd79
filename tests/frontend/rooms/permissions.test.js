import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { permissionsOf } from "../../../frontend/modules/rooms/permissions.js";
import { roomInfo } from "../support/rooms.js";

const PAGE = readFileSync(new URL("../../../docs/permissions.md", import.meta.url), "utf8");
/** Row of the table → permission of the page. */
const ROWS = {
  "send messages, show that one is typing": "send",
  "edit one's own messages": "editOwn",
  "add and remove one's own reactions": "react",
  "delete one's own messages": "deleteOwn",
  "delete the messages of others": "deleteOthers",
  "add another user": "addMembers",
  "remove a member of a lower role": "removeMembers",
  "change the role of a member": "changeRoles",
  "rename the room": "changeRoom",
  "mute and unmute a user of a lower role": "moderate",
  "leave the room": "leave",
};

/** @returns {Map<string, string[]>} row → "yes" or "–" for each role */
function tableOf(heading) {
  const [section] = PAGE.split(`## ${heading}\n`)[1].split("\n## ");
  const lines = section.split("\n").filter((line) => line.startsWith("| "));
  return new Map(
    lines.map((line) => {
      const [name, ...cells] = line.slice(2, -2).split(" | ");
      return [name, cells];
    }),
  );
}

for (const [heading, kind] of [
  ["Public rooms", "public"],
  ["Private rooms", "private"],
  ["Direct rooms", "direct"],
]) {
  test(`shows what docs/permissions.md allows in ${heading.toLowerCase()}`, () => {
    const table = tableOf(heading);
    const roles = kind === "direct" ? ["member"] : ["owner", "moderator", "member", "reader"];
    for (const [row, permission] of Object.entries(ROWS)) {
      for (const [column, role] of roles.entries()) {
        const allowed = permissionsOf(roomInfo("r", { kind, role }), "member")[permission];
        assert.equal(allowed, table.get(row)[column] === "yes", `${kind} ${role}: ${row}`);
      }
    }
  });
}

test("a role of the server counts in public rooms only", () => {
  assert.equal(permissionsOf(roomInfo("r"), "admin").changeRoles, true);
  assert.equal(permissionsOf(roomInfo("r"), "moderator").deleteOthers, true);
  assert.equal(permissionsOf(roomInfo("r", { kind: "private" }), "admin").changeRoles, false);
});

test("nobody can leave the lobby, and nothing is written in an archived room", () => {
  assert.equal(permissionsOf(roomInfo("lobby", { role: "owner" }), "member").leave, false);
  assert.equal(permissionsOf(roomInfo("r", { archived: true, role: "owner" }), "member").send, false);
});
