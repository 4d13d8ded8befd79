"""Which members of rooms have which names: what a message that mentions someone needs of the database.

The names of the last mentions stay in memory, until the room changes. Only a message with a name that is not known yet
waits for a query.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any

from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.mentions import NO_MENTIONS, Mentions, find_mentions, mentioned_keys
from cloudchat.rooms.summaries.summary import RoomSummary

MAX_ROOMS = 1000
MAX_NAMES_PER_ROOM = 1000
MAX_QUERIES = 5
"""For one message. A room that changes all the time must not hold it for ever."""
MISSING_SECONDS = 5.0
"""How long a name counts as that of no member. New users come to the lobby without a new version of it."""
UNAVAILABLE_SECONDS = 1.0
"""After a failure, skip the database for this long so that messages do not wait for its timeout one after the other."""

ReadMembers = Callable[[str, Collection[str]], Awaitable[Mapping[str, str]]]
"""Returns the ids of the members of a room (its id) by the keys of their names. Raises `DatabaseUnavailable`."""


class _Names:
    __slots__ = ("ids", "missing_until", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.ids: dict[str, str] = {}
        """By name key."""
        self.missing_until: dict[str, float] = {}
        """Until when a name key counts as that of no member."""


class MentionDirectory:
    """Finds mentions in messages. All calls are made on the event loop."""

    def __init__(
        self, read: ReadMembers, versions: Mapping[str, int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`versions` has the version of each room that has changed."""
        self._clock = clock
        self._read = read
        self._versions = versions
        self._rooms: OrderedDict[str, _Names] = OrderedDict()
        self._unavailable_until = 0.0

    def preparation(self, room: RoomSummary, text: str) -> Coroutine[Any, Any, None] | None:
        """Return what must be awaited before `find` knows all names of the text; None if it does already.

        `room` is that of the message's author. It can be newer than what this process knows of the room.
        """
        if "@" not in text or not (keys := mentioned_keys(text)):
            return None
        if not self._unknown(self._names_of(room), keys) or self._clock() < self._unavailable_until:
            return None
        return self._load(room, keys)

    def find(self, room: RoomSummary, text: str) -> Mentions:
        """Return the mentions in a text, as far as the names are known."""
        if "@" not in text:
            return NO_MENTIONS
        return find_mentions(text, self._names_of(room).ids)

    async def _load(self, room: RoomSummary, keys: Collection[str]) -> None:
        for _ in range(MAX_QUERIES):
            names = self._names_of(room)
            unknown = self._unknown(names, keys)
            if not unknown:
                return
            try:
                found = await self._read(room.id, unknown)
            except DatabaseUnavailable:
                self._unavailable_until = self._clock() + UNAVAILABLE_SECONDS
                return  # the message is sent without these mentions
            # A change of the room during the query may have removed a member: without another query, the names would
            # be dropped, and the message sent without its mentions.
            current = self._names_of(room)
            if current.version == names.version:
                self._remember(current, unknown, found)

    def _unknown(self, names: _Names, keys: Collection[str]) -> list[str]:
        now = self._clock()
        return [key for key in keys if key not in names.ids and names.missing_until.get(key, 0.0) <= now]

    def _remember(self, names: _Names, keys: Collection[str], found: Mapping[str, str]) -> None:
        if len(names.ids) + len(names.missing_until) + len(keys) > MAX_NAMES_PER_ROOM:
            names.ids.clear()  # the next round looks up those that this message needs
            names.missing_until.clear()
        names.ids.update(found)
        until = self._clock() + MISSING_SECONDS
        names.missing_until.update(dict.fromkeys([key for key in keys if key not in found], until))

    def _names_of(self, room: RoomSummary) -> _Names:
        version = max(room.version, self._versions.get(room.id, 0))  # which the append carries, too
        names = self._rooms.get(room.id)
        if names is None or names.version < version:
            names = self._rooms[room.id] = _Names(version)
        self._rooms.move_to_end(room.id)
        if len(self._rooms) > MAX_ROOMS:
            self._rooms.popitem(last=False)
        return names
