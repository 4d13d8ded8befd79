import assert from "node:assert/strict";
import test from "node:test";

import { inviteSecret } from "../../../frontend/modules/administration/invite_link.js";

const warning = (page) => inviteSecret("AbC", page).warning;

test("makes a link of the page's address", () => {
  assert.deepEqual(inviteSecret("AbC", "https://chat.example.org/#/room/lobby").lines, [
    "https://chat.example.org/#/invite/AbC",
  ]);
});

test("warns that a link of the computer's own address works for no one else", () => {
  for (const host of ["127.0.0.1:8000", "127.1.2.3", "localhost:8000", "chat.localhost", "[::1]:8000"]) {
    assert.match(warning(`http://${host}/`) ?? "", /this computer only/u, host);
  }
  for (const host of ["192.168.1.20:8000", "chat.example.org", "localhost.example.org", "[2001:db8::1]"]) {
    assert.equal(warning(`http://${host}/`), undefined, host);
  }
});
