import assert from "node:assert/strict";
import test from "node:test";

import { NotificationSettings } from "../../../frontend/modules/notifications/notification_settings.js";
import { roomInfo } from "../support/rooms.js";

function memory() {
  const items = new Map();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

const ROOM = roomInfo("r");
const DIRECT = roomInfo("d", { kind: "direct" });

test("notifies of nothing before it was asked for, and of mentions and direct messages afterwards", () => {
  const settings = new NotificationSettings(memory());
  assert.equal(settings.wants(DIRECT, true), false);
  settings.set({ isOn: true });
  const wanted = [settings.wants(ROOM, false), settings.wants(ROOM, true), settings.wants(DIRECT, false)];
  assert.deepEqual(wanted, [false, true, true]);
  settings.set({ doNotDisturb: true });
  assert.equal(settings.wants(DIRECT, true), false);
});

test("keeps a choice per room on this device", () => {
  const storage = memory();
  new NotificationSettings(storage).choose("r", "all");
  const settings = new NotificationSettings(storage);
  settings.set({ isOn: true });
  assert.equal(settings.wants(ROOM, false), true);
  assert.equal(settings.wants({ ...ROOM, muted: true }, false), false);
  assert.equal(settings.wants({ ...ROOM, muted: true }, true), true);
  settings.choose("r", "nothing");
  assert.equal(settings.wants(ROOM, true), false);
});

test("works without a storage, and with one that holds something else", () => {
  assert.equal(new NotificationSettings(null).isOn, false);
  assert.equal(new NotificationSettings({ getItem: () => "{" }).isOn, false);
});
