import pytest

from cloudchat.protocol.emoji import is_emoji

EMOJI = [
    "👍", "👍🏽", "❤️", "❤", "😀", "☕", "🥊", "🫠", "🎉", "✅", "⭐", "☀️", "♥️", "⚠️", "©️", "™️", "🏻",
    "👨‍👩‍👧‍👦", "👩🏽‍💻", "🏳️‍🌈", "🏴‍☠️", "🧑🏻‍🤝‍🧑🏿", "❤️‍🔥", "👁️‍🗨️", "🐦‍⬛", "🙂‍↔️",
    "🇩🇪", "🇺🇦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "#️⃣", "*⃣", "🔟", "🀄", "🃏", "🅰️", "🈁", "㊙️", "〰️",
]  # fmt: skip
TEXT = [
    "", "a", "ok", "1", "#", "👍👍", "👍 ", " 👍", "👍a", "a👍", "🇩", "🇩🇪🇫", "‍", "👍‍", "‍👍", "️", "👍️️",
    "©", "®", "™", "ℹ", "Ⓜ", "é", "中", "あ", "\u200b", "\n", "👍\n", "🏽🏽", "\U000e0067", "1⃣2⃣", "→", "∞", "♪", "♔",
    "👩‍❤️‍💋‍👨👩", "👨‍👩‍👧‍👦" * 2, "👍" * 9, "👩🏻‍❤️‍💋‍👨🏿",
]  # fmt: skip


@pytest.mark.parametrize("text", EMOJI)
def test_one_emoji_is_accepted(text: str) -> None:
    assert is_emoji(text)


@pytest.mark.parametrize("text", TEXT)
def test_text_and_more_than_one_emoji_are_rejected(text: str) -> None:
    """The last one is an emoji of 35 bytes, which is more than a reaction may have."""
    assert not is_emoji(text)
