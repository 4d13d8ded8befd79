"""Append the notices of changes to the logs of rooms.

A notice is written to SQL in the transaction of its change. The process that made the change appends it at once; if it
dies before, another process does so within two seconds. Several may append the same notice at the same time: its cid
is derived from the room and the version, so the log has it once. The notices of a room are appended in the order of
their versions.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from cloudchat.broker.broker import Appended, AppendOutcome
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.service import MessageService
from cloudchat.realtime.membership.room_hints import RoomHints, wait
from cloudchat.rooms.changes.repository import PendingNotice

logger = logging.getLogger(__name__)


class Outbox(Protocol):
    """What is needed of SQL. Both methods raise `DatabaseUnavailable`."""

    async def pending_notices(self) -> Sequence[PendingNotice]:
        """Return notices that are not known to be in the logs, those of a room in the order of their versions."""

    async def notice_appended(self, room_id: str, version: int) -> None:
        """Remove a notice."""


class NoticeOutbox:
    """Appends what is pending."""

    def __init__(self, outbox: Outbox, messages: MessageService, hints: RoomHints) -> None:
        self._outbox = outbox
        self._messages = messages
        self._hints = hints

    async def run(self, announce: Callable[[], None]) -> None:
        """Append what is pending, until cancelled. `announce` tells the other processes that rooms have changed."""
        flag = self._hints.flag()
        while True:
            await wait(flag)
            try:
                if await self.append_pending():
                    announce()
            except DatabaseUnavailable:
                logger.warning("notices of rooms cannot be read")

    async def append_pending(self) -> bool:
        """Append all pending notices. Return whether there were any. Raises `DatabaseUnavailable`."""
        notices = await self._outbox.pending_notices()
        failed: set[str] = set()
        for notice in notices:
            if notice.room_id not in failed and not isinstance(await self._append(notice), Appended):
                failed.add(notice.room_id)  # the store is away: later ones of this room must not overtake it
            if notice.room_id not in failed:
                await self._outbox.notice_appended(notice.room_id, notice.version)
        return bool(notices)

    def _append(self, notice: PendingNotice) -> Awaitable[AppendOutcome]:
        done: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
        self._messages.notice(
            notice.room_id, notice.cid, notice.body, notice.at, notice.version, lambda outcome: _finish(done, outcome)
        )
        return done


def _finish(done: "asyncio.Future[AppendOutcome]", outcome: AppendOutcome) -> None:
    if not done.done():  # the task was cancelled meanwhile
        done.set_result(outcome)
