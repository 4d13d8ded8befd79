"""Text of other people, made safe for a terminal."""

import unicodedata

_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Bidirectional controls (UAX #9). They could show one text in the place of another ("Trojan Source")."""
_LINE_ENDS = frozenset("\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")


def printable(text: str) -> str:
    """Return text without anything that controls a terminal: escape sequences, carriage returns, reordering.

    The server rejects most of it in messages; a terminal must not depend on the server for that.
    """
    return "".join(map(_printable, text.replace("\r\n", "\n")))


def printable_line(text: str) -> str:
    """Return `printable` text as one line, for names and topics."""
    return printable(text).replace("\n", " ")


def _printable(char: str) -> str:
    if char in _LINE_ENDS:
        return "\n"
    if char == "\t":
        return "    "
    if char in _REORDERING or unicodedata.category(char) in ("Cc", "Cs"):
        return "\N{REPLACEMENT CHARACTER}"
    return char
