"""A message needs a character that a reader can see."""

import pytest

from cloudchat.core.invisible import has_visible_text

INVISIBLE = [
    *" \t\n\r\f\v\0\x1b\x7f\x85\xa0",
    *"\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b\u180e\u180f",
    *"\u2000\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u202f\u205f\u2060\u2064\u2066\u2069\u206f",
    *"\u2800\u3000\u3164\ufe00\ufe0f\ufeff\uffa0\ufff0\ufff9",
    *"\U00016fe4\U0001bca0\U0001d159\U0001d173\U000e0001\U000e0020\U000e007f\U000e0100\U000e01ef\U000e0fff",
]
VISIBLE = [
    "a",
    ".",
    "0",
    "é",
    "谢",
    "נ",
    "ن",
    "👍",
    "❤\ufe0f",
    "\u0301",
    "\u2801",
    "\u200b-\u200b",
    "\u3164ㄱ",
    "🏴\U000e0067",
]


@pytest.mark.parametrize("character", INVISIBLE, ids=lambda character: f"U+{ord(character):04X}")
def test_an_invisible_character_is_no_text(character: str) -> None:
    assert not has_visible_text(character)
    assert not has_visible_text(character * 3)


def test_all_invisible_characters_together_are_no_text() -> None:
    assert not has_visible_text("".join(INVISIBLE))
    assert not has_visible_text("")


@pytest.mark.parametrize("text", VISIBLE)
def test_one_visible_character_is_text(text: str) -> None:
    assert has_visible_text(text)
    assert has_visible_text("\u200b \u2800" + text)
