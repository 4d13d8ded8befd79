"""`LogArchive` on Redis 7 or Valkey, by the functions in broker/functions/archiving.lua."""

from collections.abc import Mapping, Sequence

import msgspec

from cloudchat.broker import keys
from cloudchat.broker.archiving.archive_queue import QUEUED_SECONDS
from cloudchat.broker.archiving.log_archive import UnarchivedEvents, UnarchivedRange
from cloudchat.broker.connections.redis_functions import Call, RedisFunctions
from cloudchat.broker.numbering.epochs import new_epoch
from cloudchat.broker.numbering.high_water_marks import HighWaterMarks

MAX_PAGE_BYTES = 512 * 1024
"""The size limit of `unarchived`. A larger single event is returned alone."""


class RedisLogArchive:
    """Implements `LogArchive`."""

    def __init__(self, functions: RedisFunctions, marks: HighWaterMarks, history_messages: int) -> None:
        self._functions = functions
        self._marks = marks
        self._history_messages = history_messages

    async def queued_rooms(self, limit: int) -> Sequence[str]:
        """See `LogArchive`."""
        rooms = await self._functions.call("cloudchat_queued_rooms_v5", [keys.ARCHIVE_QUEUE], limit)
        return [room.decode() for room in rooms]

    async def dequeue_rooms(self, read_at: Mapping[str, str]) -> None:
        """See `LogArchive`."""
        arguments: list[str] = []
        for room, time in read_at.items():
            arguments += [room, f"{float(time) - QUEUED_SECONDS:.6f}"]
        await self._functions.call("cloudchat_dequeue_rooms_v5", [keys.ARCHIVE_QUEUE], *arguments)

    async def unarchived(self, ranges: Sequence[UnarchivedRange]) -> list[UnarchivedEvents]:
        """See `LogArchive`."""
        calls: list[Call] = []
        for wanted in ranges:
            mark = max(wanted.after, self._mark(wanted.room))
            arguments = new_epoch(), wanted.after, wanted.limit, MAX_PAGE_BYTES, mark
            calls.append(("cloudchat_unarchived_v5", 2, *_keys(wanted.room), *arguments))
        return [
            UnarchivedEvents(list(zip(found[::2], found[1::2], strict=True)), through, head, read_at.decode())
            for head, through, read_at, *found in await self._functions.call_all(calls)
        ]

    async def archived(self, heads: Mapping[str, int]) -> None:
        """See `LogArchive`."""
        calls: list[Call] = []
        for room, seq in heads.items():
            arguments = new_epoch(), seq, self._history_messages, self._mark(room)
            calls.append(("cloudchat_archived_v5", 2, *_keys(room), *arguments))
        await self._functions.call_all(calls)

    async def trim_before(self, room: str, seq: int) -> None:
        """See `LogArchive`."""
        await self._functions.call("cloudchat_trim_before_v5", _keys(room), new_epoch(), seq, self._mark(room))

    async def rename_user(self, room: str, user: str, name: str, after: int, limit: int) -> int:
        """See `LogArchive`."""
        arguments = new_epoch(), after, limit, _json(user), _json(name), self._mark(room)
        through: int = await self._functions.call("cloudchat_rename_user_v5", _keys(room), *arguments)
        return through

    def _mark(self, room: str) -> int:
        return self._marks.get(room)[1]


def _keys(room: str) -> list[str]:
    return [keys.meta(room), keys.log(room)]


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()
