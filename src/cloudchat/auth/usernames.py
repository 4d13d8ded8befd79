"""Which usernames there can be, and when two are the same.

A name appears in logs, in mentions and beside messages: it must not forge a log line, hide, or pass for another's.
"""

import unicodedata

from cloudchat.auth.errors import InvalidField

_LEAST = 2
_MOST = 32
_PUNCTUATION = "._-"
_INVISIBLE_LETTERS = "\u115f\u1160"  # Hangul fillers; NFKC makes the second of the other two, U+3164 and U+FFA0
# Alphabets that share letters of the same look; a name that mixes two of them only wants to look like another.
_LOOKALIKES = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"}
_RESERVED = {"admin", "administrator", "cloudchat", "moderator", "root", "server", "support", "system"}


def clean_username(name: str) -> str:
    """The name as it is shown: NFKC, 2–32 letters, digits, `.`, `_`, `-`, beginning with a letter or digit.

    Raises InvalidField.
    """
    if len(name) > _MOST * 4:  # before the work of normalising it
        raise InvalidField("username", f"a username has {_LEAST} to {_MOST} characters")
    name = unicodedata.normalize("NFKC", name)
    if not _LEAST <= len(name) <= _MOST:
        raise InvalidField("username", f"a username has {_LEAST} to {_MOST} characters")
    if not all(_is_letter_or_digit(character) or character in _PUNCTUATION for character in name):
        raise InvalidField("username", "a username consists of letters, digits, dots, underscores and hyphens")
    if not _is_letter_or_digit(name[0]):
        raise InvalidField("username", "a username begins with a letter or a digit")
    if len({_alphabet(character) for character in name} & _LOOKALIKES) > 1:
        raise InvalidField("username", "a username keeps to one alphabet")
    return name


def username_key(name: str) -> str:
    """What must be unique: names of one key are the same name (Unicode's toNFKC_Casefold)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_reserved(name: str) -> bool:
    """Whether only an administrator may give this name: it would speak with the server's authority."""
    return username_key(name) in _RESERVED


def _is_letter_or_digit(character: str) -> bool:
    category = unicodedata.category(character)
    return (category.startswith("L") or category == "Nd") and character not in _INVISIBLE_LETTERS


def _alphabet(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
