import unicodedata

import pytest

from cloudchat.terminal.printable import printable, printable_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 👩‍👩‍👧 日本", "plain ünïcode 👩‍👩‍👧 日本"),
        ("two\nlines", "two\nlines"),
        ("two\r\nlines", "two\nlines"),
        ("over\rwritten", "over�written"),
        ("\x1b[2Jcleared \x9b31m", "�[2Jcleared �31m"),
        ("a\u202eb\u2066c", "a�b�c"),
        ("a\u2028b", "a\nb"),
        ("a\tb", "a    b"),
        ("\ud800", "�"),
    ],
)
def test_nothing_that_controls_a_terminal_is_left(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_no_character_is_left_that_a_terminal_takes_for_a_command() -> None:
    for code in range(0x3000):
        for char in printable(chr(code)):
            assert char == "\n" or unicodedata.category(char) != "Cc"


def test_a_line_has_no_line_end() -> None:
    assert printable_line("a\nb\x85c") == "a b c"
