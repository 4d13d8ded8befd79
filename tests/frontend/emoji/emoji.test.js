import assert from "node:assert/strict";
import test from "node:test";

import { DATA as GERMAN } from "../../../frontend/modules/emoji/data_de.js";
import { DATA } from "../../../frontend/modules/emoji/data_en.js";
import { parseData, withTone } from "../../../frontend/modules/emoji/emoji_data.js";
import { EmojiPreferences } from "../../../frontend/modules/emoji/emoji_preferences.js";
import { searchEmoji } from "../../../frontend/modules/emoji/emoji_search.js";

const GROUPS = parseData(DATA);

function find(query, groups = GROUPS) {
  return searchEmoji(groups, query, 5).map(({ emoji }) => emoji);
}

test("has all emoji of Unicode, each with a name, in both languages", () => {
  for (const groups of [GROUPS, parseData(GERMAN)]) {
    const all = groups.flatMap(({ emoji }) => emoji);
    assert.equal(groups.length, 9);
    assert.ok(all.length > 1_900, `${all.length}`);
    assert.equal(new Set(all.map(({ emoji }) => emoji)).size, all.length);
    for (const { emoji, name } of all) {
      assert.ok(name.length > 0);
      assert.ok(Buffer.byteLength(emoji) <= 32);
      assert.match(emoji, /^\p{RGI_Emoji}$|\ufe0f|\ufe0e|^\p{Emoji}/v, emoji);
    }
  }
});

test("finds emoji by short code, name and other words", () => {
  assert.equal(find("tada")[0], "🎉");
  assert.equal(find("thumbsup")[0], "👍");
  assert.ok(find("grinning face").includes("😀"));
  assert.ok(find("birthday").includes("🎂"));
  assert.ok(find("Lächeln", parseData(GERMAN)).length > 0);
  assert.deepEqual(find("xyzzy"), []);
  assert.deepEqual(find(" : "), []);
});

test("gives every person of an emoji the skin tone", () => {
  const tone = (code, number) => withTone(searchEmoji(GROUPS, code, 1)[0], number);
  assert.equal(tone("thumbsup", 3), "👍🏽");
  assert.equal(tone("grinning", 3), "😀");
  assert.equal(tone("people_holding_hands", 5), "🧑🏿‍🤝‍🧑🏿");
  assert.equal(tone("couplekiss", 0), tone("couplekiss", 9));
  for (const { emoji } of GROUPS) {
    for (const entry of emoji) assert.ok(Buffer.byteLength(withTone(entry, 5)) <= 32, entry.name);
  }
});

test("remembers recent emoji, and survives a broken storage", () => {
  const values = new Map();
  const preferences = new EmojiPreferences({ getItem: (key) => values.get(key) ?? null, setItem: (key, value) => values.set(key, value) }); // prettier-ignore
  assert.ok(preferences.recent.includes("👍"));
  preferences.use("🦊");
  preferences.use("🐻");
  preferences.use("🦊");
  preferences.tone = 2;
  assert.deepEqual(preferences.recent.slice(0, 2), ["🦊", "🐻"]);
  assert.equal(preferences.tone, 2);
  for (const broken of ["{", '{"recent": 5}', '{"recent": [1]}', "null"]) {
    values.set("cloudchat.emoji", broken);
    assert.equal(preferences.tone, 0);
    assert.ok(preferences.recent.length > 0);
  }
});
