"""The rules for usernames: which are valid, which are equal, which look alike, which are reserved.

A username appears in logs, in mentions and beside messages. It must not forge a log line, be invisible, or be mistaken
for another user's name. The rules for scripts and look-alikes are those of Unicode UTS #39.
"""

import unicodedata
from itertools import pairwise

from cloudchat.auth.confusables import is_single_script, script_of, skeleton
from cloudchat.auth.errors import InvalidField
from cloudchat.core.invisible import has_invisible, strip_blank

MIN_CHARACTERS = 2
MAX_CHARACTERS = 32
MAX_SKELETON_CHARACTERS = 255
_MAX_TYPED_CHARACTERS = MAX_CHARACTERS * 4  # before NFKC, which joins letters and marks
_PUNCTUATION = "._-"
_MAX_MARKS = 4  # nonspacing marks in a row (UTS #39 §5.4); Tibetan needs four
# Letters of these scripts that need a mark nearly all exist as one character. Yoruba has letters with one mark more.
_MAX_MARKS_IN_ALPHABETS = 1
_ALPHABETS = {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN"}
_OVERLAYS = range(0x0334, 0x0339)  # marks that strike a letter through, so that it seems to be another one
_RESERVED = {"admin", "administrator", "cloudchat", "moderator", "root", "server", "support", "system"}


def trim_username(name: str) -> str:
    """Return the entered name without blank and invisible characters at its ends."""
    return strip_blank(name) if len(name) <= _MAX_TYPED_CHARACTERS else name


def clean_username(name: str) -> str:
    """Return the username in NFKC, as it is stored and shown.

    Valid are 2 to 32 letters, marks and digits of one script, `.`, `_` and `-`, where the first is a letter or a digit.

    Raises:
        InvalidField: The name is not valid.
    """
    if len(name) > _MAX_TYPED_CHARACTERS:  # before the cost of normalising it
        raise InvalidField("username", f"a username must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    name = unicodedata.normalize("NFKC", name)
    if not MIN_CHARACTERS <= len(name) <= MAX_CHARACTERS:
        raise InvalidField("username", f"a username must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    if has_invisible(name) or not all(
        _is_letter_or_digit(character) or _is_mark(character) or character in _PUNCTUATION for character in name
    ):
        raise InvalidField("username", "a username must consist of letters, digits, dots, underscores and hyphens")
    if not _is_letter_or_digit(name[0]):
        raise InvalidField("username", "a username must begin with a letter or a digit")
    if not _marks_are_readable(name):
        raise InvalidField("username", "a username must have no accents that hide or pile up on its letters")
    if not is_single_script(name) or len({_zero_of(digit) for digit in name if digit.isdecimal()}) > 1:
        raise InvalidField("username", "a username must not mix alphabets or kinds of digits")
    return name


def username_key(name: str) -> str:
    """Return the form in which usernames are compared and unique (Unicode's toNFKC_Casefold)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def lookup_key(name: str) -> str | None:
    """Return the key of the user that a person means by `name`, or None if no user can have it.

    Does not apply the rules for new names: users keep the names that older versions allowed.
    """
    name = trim_username(name)
    # Databases refuse NUL and lone surrogates.
    if not 0 < len(name) <= _MAX_TYPED_CHARACTERS or any(
        unicodedata.category(character) in ("Cc", "Cs") for character in name
    ):
        return None
    return username_key(name)


def name_skeleton(name: str) -> str:
    """Return the form that is equal for all usernames that look like this one."""
    return skeleton(unicodedata.normalize("NFKC", name))[:MAX_SKELETON_CHARACTERS]


def is_reserved(name: str) -> bool:
    """Return whether only an administrator may create this name, because it suggests the server's authority."""
    return username_key(name) in _RESERVED or name_skeleton(name) in {name_skeleton(word) for word in _RESERVED}


def _is_letter_or_digit(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("L") or category == "Nd"


def _is_mark(character: str) -> bool:
    # Not Me, enclosing marks: ⃠ over a letter.
    return unicodedata.category(character) in ("Mn", "Mc") and ord(character) not in _OVERLAYS


def _marks_are_readable(name: str) -> bool:
    """Return whether no mark is repeated, stands on punctuation, or is one of too many in a row (UTS #39 §5.4)."""
    decomposed = unicodedata.normalize("NFD", name)
    if any(_is_mark(mark) and (mark == before or before in _PUNCTUATION) for before, mark in pairwise(decomposed)):
        return False
    marks, base_script = 0, None
    for character in name:
        if not _is_mark(character):
            marks, base_script = 0, script_of(character)
        elif unicodedata.category(character) == "Mn":
            marks += 1
            if marks > (_MAX_MARKS_IN_ALPHABETS if base_script in _ALPHABETS else _MAX_MARKS):
                return False
    return True


def _zero_of(digit: str) -> int:
    return ord(digit) - unicodedata.decimal(digit)
