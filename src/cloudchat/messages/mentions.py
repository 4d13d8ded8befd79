"""Who is mentioned in a text: `@name` for a member of the room, `@room` for all. In code they do not count.

Pure functions. Every step takes a time proportional to the text, because they run on the event loop.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec import Struct

from cloudchat.auth.usernames import MAX_CHARACTERS, username_key

MAX_MENTIONS = 50
MAX_NAMES = 200
"""Names in a text that are looked at."""
ROOM = "room"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BACKTICKS = re.compile(r"`+")
_PUNCTUATION = "._-"


class Mentions(Struct, frozen=True):
    """The ids of the mentioned users in the order of the text, each once, and whether the room is mentioned."""

    users: tuple[str, ...] = ()
    room: bool = False


NO_MENTIONS = Mentions()


def find_mentions(text: str, members: Mapping[str, str]) -> Mentions:
    """Return the mentions in a text, of users at most `MAX_MENTIONS`.

    `members` has the id of each member of the room by the `username_key` of their name. An `@` after a letter or a
    digit is part of an address and not a mention.
    """
    users: dict[str, None] = {}
    room = False
    if "@" in text:
        for name in islice(_names_after_at(without_code(text)), MAX_NAMES):
            found = _member_named(name, members)
            room = room or found == ROOM
            if found not in (None, ROOM) and len(users) < MAX_MENTIONS:
                users[members[found]] = None
    return Mentions(tuple(users), room)


def mentioned_keys(text: str) -> frozenset[str]:
    """Return the `username_key` of every name that a text may mention, of the first `MAX_NAMES` names."""
    if "@" not in text:
        return frozenset()
    names = islice(_names_after_at(without_code(text)), MAX_NAMES)
    return frozenset(key for name in names for key in _keys_of(name)) - {ROOM}


def without_code(text: str) -> str:
    """Return a text without its fenced code blocks and code spans (CommonMark 0.31 §4.5, §6.1)."""
    return _without_spans(_without_fences(text)) if "`" in text or "~~~" in text else text


def _without_fences(text: str) -> str:
    lines = []
    fence = ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            if found is not None and found[1].startswith(fence) and not line[found.end() :].strip():
                fence = ""
        elif found is not None and not (found[1][0] == "`" and "`" in line[found.end() :]):
            fence = found[1]
        else:
            lines.append(line)
    return "".join(lines)


def _without_spans(text: str) -> str:
    """A span ends at the next run of as many backticks as it began with. Without one, the backticks are text."""
    runs = list(_BACKTICKS.finditer(text))
    next_of_same_length: list[int | None] = []
    last_seen: dict[int, int] = {}
    for index in range(len(runs) - 1, -1, -1):
        length = len(runs[index][0])
        next_of_same_length.append(last_seen.get(length))
        last_seen[length] = index
    next_of_same_length.reverse()
    parts, position, index = [], 0, 0
    while index < len(runs):
        end = next_of_same_length[index]
        if end is None:
            index += 1
            continue
        parts.append(text[position : runs[index].start()])
        position = runs[end].end()
        index = end + 1
    return " ".join([*parts, text[position:]])


def _names_after_at(text: str) -> Iterator[str]:
    """Yield what follows each `@`: as many characters of a name as there are, and no more than a name has."""
    at = text.find("@")
    while at >= 0:
        if at == 0 or not _is_name_character(text[at - 1]):
            end = at + 1
            while end < len(text) and end - at <= MAX_CHARACTERS and _is_name_character(text[end]):
                end += 1
            yield text[at + 1 : end]
        at = text.find("@", at + 1)


def _member_named(name: str, members: Mapping[str, str]) -> str | None:
    """Return the key of the member, or `ROOM`."""
    return next((key for key in _keys_of(name) if key == ROOM or key in members), None)


def _keys_of(name: str) -> Iterator[str]:
    """Yield the keys that a name may have: punctuation at its end belongs to the name or to the sentence."""
    while name:
        yield username_key(name)
        if name[-1] not in _PUNCTUATION:
            return
        name = name[:-1]


def _is_name_character(character: str) -> bool:
    return character in _PUNCTUATION or unicodedata.category(character)[0] in "LNM"
