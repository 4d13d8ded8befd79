"""The rules for usernames: which are valid, which are equal, which are reserved.

A username appears in logs, in mentions and beside messages. It must not forge a log line, be invisible, or be mistaken
for another user's name.
"""

import unicodedata

from cloudchat.auth.errors import InvalidField

MIN_CHARACTERS = 2
MAX_CHARACTERS = 32
_PUNCTUATION = "._-"
# Hangul fillers are letters (category Lo) without a glyph. NFKC maps the other two, U+3164 and U+FFA0, to U+1160.
_INVISIBLE_LETTERS = "\u115f\u1160"
# Scripts with letters that look alike. A name that mixes two of them imitates another name.
_CONFUSABLE_SCRIPTS = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"}
_RESERVED = {"admin", "administrator", "cloudchat", "moderator", "root", "server", "support", "system"}


def clean_username(name: str) -> str:
    """Return the username in NFKC, as it is stored and shown.

    Valid are 2 to 32 letters, digits, `.`, `_` and `-`, where the first is a letter or a digit.

    Raises:
        InvalidField: The name is not valid.
    """
    if len(name) > MAX_CHARACTERS * 4:  # before the cost of normalising it
        raise InvalidField("username", f"a username must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    name = unicodedata.normalize("NFKC", name)
    if not MIN_CHARACTERS <= len(name) <= MAX_CHARACTERS:
        raise InvalidField("username", f"a username must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    if not all(_is_letter_or_digit(character) or character in _PUNCTUATION for character in name):
        raise InvalidField("username", "a username must consist of letters, digits, dots, underscores and hyphens")
    if not _is_letter_or_digit(name[0]):
        raise InvalidField("username", "a username must begin with a letter or a digit")
    if len({_script_of(character) for character in name} & _CONFUSABLE_SCRIPTS) > 1:
        raise InvalidField("username", "a username must not mix alphabets")
    return name


def username_key(name: str) -> str:
    """Return the form in which usernames are compared and unique (Unicode's toNFKC_Casefold)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_reserved(name: str) -> bool:
    """Return whether only an administrator may create this name, because it suggests the server's authority."""
    return username_key(name) in _RESERVED


def _is_letter_or_digit(character: str) -> bool:
    category = unicodedata.category(character)
    return (category.startswith("L") or category == "Nd") and character not in _INVISIBLE_LETTERS


def _script_of(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
