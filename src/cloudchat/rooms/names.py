"""The rules for the texts of a room: name, topic, and the reasons of moderators."""

import unicodedata

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.usernames import username_key
from cloudchat.core.invisible import has_invisible, has_visible_text, strip_blank

MAX_NAME_CHARACTERS = 80
MAX_TOPIC_CHARACTERS = 250
MAX_REASON_CHARACTERS = 200
_MAX_KEY_CHARACTERS = 192
_REFUSED_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")  # they could forge a line of the log, or be refused by a database
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they would reorder the text around


def clean_name(name: str) -> str:
    """Return a room's name as it is stored. Raises InvalidField."""
    name = _clean("name", name, MAX_NAME_CHARACTERS)
    if not has_visible_text(name):
        raise InvalidField("name", "a room needs a name with at least one visible character")
    return name


def clean_topic(topic: str) -> str:
    """Return a room's topic as it is stored; it may be empty. Raises InvalidField."""
    return _clean("topic", topic, MAX_TOPIC_CHARACTERS)


def clean_reason(reason: str) -> str:
    """Return the reason of a mute or a ban as it is stored; it may be empty. Raises InvalidField."""
    return _clean("reason", reason, MAX_REASON_CHARACTERS)


def name_key(name: str) -> str:
    """Return the form in which the names of public rooms are compared, searched and unique."""
    visible = "".join(character for character in name if not has_invisible(character))
    return username_key(visible)[:_MAX_KEY_CHARACTERS]


def usable_name(text: str, *, topic: bool = False) -> str:
    """Return the name of a room, or the topic, that is most similar to a text from another system."""
    visible = "".join(" " if _is_refused(character) else character for character in text)
    maximum = MAX_TOPIC_CHARACTERS if topic else MAX_NAME_CHARACTERS
    name = strip_blank(unicodedata.normalize("NFC", visible)[:maximum])
    return name if topic or has_visible_text(name) else "imported"


def numbered_name(name: str, number: int) -> str:
    """Return a name that differs from others: the name itself, then `name (2)`, `name (3)`."""
    suffix = "" if number == 1 else f" ({number})"
    return name[: MAX_NAME_CHARACTERS - len(suffix)] + suffix


def _is_refused(character: str) -> bool:
    return unicodedata.category(character) in _REFUSED_CATEGORIES or character in _DIRECTIONS


def _clean(field: str, text: str, max_characters: int) -> str:
    text = unicodedata.normalize("NFC", strip_blank(text))
    if len(text) > max_characters:
        raise InvalidField(field, f"the {field} must have at most {max_characters} characters")
    if any(map(_is_refused, text)):
        raise InvalidField(field, f"the {field} must be one line without control characters")
    return text
