"""Characters without a glyph, which people paste without noticing and others type to deceive."""

import re

# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties.txt): zero-width characters, direction marks, variation
# selectors, Hangul fillers, the byte order mark. Python's unicodedata does not have this property.
_DEFAULT_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_DEFAULT_IGNORABLE}]")
_BLANK = re.compile(rf"[\s{_DEFAULT_IGNORABLE}]+")
_BLANK_ENDS = re.compile(rf"\A[\s{_DEFAULT_IGNORABLE}]+|[\s{_DEFAULT_IGNORABLE}]+\Z")


def has_invisible(text: str) -> bool:
    """Return whether the text has a character that is not shown at all. White space does not count."""
    return _INVISIBLE.search(text) is not None


def strip_blank(text: str) -> str:
    """Return the text without white space and invisible characters at its ends."""
    return _BLANK_ENDS.sub("", text)


def remove_blank(text: str) -> str:
    """Return the text without any white space and invisible characters."""
    return _BLANK.sub("", text)
