"""Which characters a reader can see: a message without any of them is empty."""

import unicodedata

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_INVISIBLE_RANGES = (
    # Default_Ignorable_Code_Point of Unicode 17 (DerivedCoreProperties.txt), where the category alone does not say it:
    # fillers of Hangul are letters, variation selectors are marks, and some are not assigned yet.
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2065, 0x2065),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0xE0000, 0xE0FFF),
    # Symbols and marks without ink: the empty Braille pattern, a Khitan filler, a musical null notehead.
    (0x2800, 0x2800),
    (0x16FE4, 0x16FE4),
    (0x1D159, 0x1D159),
)
_INVISIBLE = frozenset(code for first, last in _INVISIBLE_RANGES for code in range(first, last + 1))


def has_visible_text(text: str) -> bool:
    """Return whether at least one character of `text` is visible.

    Spaces, line breaks, controls, zero-width and bidirectional format characters, and fillers are not. The page has the
    same rule (`frontend/modules/chat/message_text.js`).
    """
    return any(
        ord(character) not in _INVISIBLE and unicodedata.category(character) not in _INVISIBLE_CATEGORIES
        for character in text
    )
