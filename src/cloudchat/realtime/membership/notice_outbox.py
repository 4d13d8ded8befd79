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

from cloudchat.broker.appends import Appended, AppendOutcome
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.service import MessageService
from cloudchat.realtime.membership.room_hints import RoomHints, wait
from cloudchat.rooms.changes.repository import PendingNotice

logger = logging.getLogger(__name__)


class Outbox(Protocol):
    """What is needed of SQL. Both methods raise `DatabaseUnavailable`."""

    async def pending_notices(self, room_id: str | None = None) -> Sequence[PendingNotice]:
        """Return notices that are not known to be in the logs, of one room or of all.

        Those of a room are in the order of their versions.
        """

    async def notice_appended(self, room_id: str, version: int) -> None:
        """Remove a notice."""


class NoticeOutbox:
    """Appends what is pending."""

    def __init__(
        self,
        outbox: Outbox,
        messages: MessageService,
        raise_version: Callable[[str, int], Awaitable[None]],
        hints: RoomHints,
        tell_others: Callable[[], None],
    ) -> None:
        """`raise_version` makes the store refuse appends with a lower version of a room; raises `BrokerUnavailable`.

        `tell_others` wakes the other processes.
        """
        self._outbox = outbox
        self._messages = messages
        self._raise_version = raise_version
        self._hints = hints
        self._tell_others = tell_others

    async def announce(self, room_id: str, version: int) -> None:
        """Make a change take effect: append its notice, and wake all processes.

        Raises `BrokerUnavailable`, `DatabaseUnavailable`; then the processes find the change without being woken.
        """
        await self.append_pending(room_id)
        await self._raise_version(room_id, version)  # not every change has a notice
        self._hints.wake()
        self._tell_others()

    async def run(self) -> None:
        """Append what processes have left that died or could not reach the store, until cancelled."""
        flag = self._hints.flag()
        while True:
            await wait(flag)
            try:
                await self.append_pending()
            except DatabaseUnavailable:
                logger.warning("notices of rooms cannot be read")

    async def append_pending(self, room_id: str | None = None) -> None:
        """Append the pending notices of one room, or of all. Raises `DatabaseUnavailable`."""
        notices = await self._outbox.pending_notices(room_id)
        failed: set[str] = set()
        for notice in notices:
            if notice.room_id not in failed and not isinstance(await self._append(notice), Appended):
                failed.add(notice.room_id)  # the store is away: later ones of this room must not overtake it
            if notice.room_id not in failed:
                await self._outbox.notice_appended(notice.room_id, notice.version)

    def _append(self, notice: PendingNotice) -> Awaitable[AppendOutcome]:
        done: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()
        self._messages.notice(
            notice.room_id, notice.cid, notice.body, notice.at, notice.version, lambda outcome: _finish(done, outcome)
        )
        return done


def _finish(done: "asyncio.Future[AppendOutcome]", outcome: AppendOutcome) -> None:
    if not done.done():  # the task was cancelled meanwhile
        done.set_result(outcome)
