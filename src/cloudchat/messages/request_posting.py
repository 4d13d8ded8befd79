"""Post messages for HTTP requests, which have no connection that holds the state of the room.

The room is read from the database for each request. It may change before the message is appended, and this process may
know the change already: then it is read again, because an append with the newer version would not be refused.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from cloudchat.auth.principal import Principal
from cloudchat.broker.appends import AppendOutcome, Refusal, Refused
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.service import MessageService
from cloudchat.protocol.commands import Send
from cloudchat.protocol.errors import Error, unavailable
from cloudchat.rooms.summaries.summary import RoomSummary

MAX_ATTEMPTS = 5
"""Of one message. A room that changes all the time must not hold a request for ever."""

Membership = Callable[[str, str], Awaitable[RoomSummary | None]]
"""Reads a user's room from the database (the user's id, the room's id). Raises `DatabaseUnavailable`."""
Refresh = Callable[[str, int], Awaitable[None]]
"""Brings a room up to date, at least to a version that the store knows. Raises `DatabaseUnavailable`."""


class RequestPosting:
    """Posts messages of users who are not connected. For one event loop."""

    def __init__(
        self, messages: MessageService, mentions: MentionDirectory, versions: Mapping[str, int], refresh: Refresh
    ) -> None:
        """`versions` is that of `messages`."""
        self._messages = messages
        self._mentions = mentions
        self._versions = versions
        self._refresh = refresh

    async def post(self, author: Principal, command: Send, membership: Membership) -> AppendOutcome | Error:
        """Append a message, and return the outcome, or the error if it is not allowed.

        Raises `DatabaseUnavailable`.
        """
        for _ in range(MAX_ATTEMPTS):
            room = await membership(author.user_id, command.room)
            if room is not None:
                preparation = self._mentions.preparation(room, command.text)
                if preparation is not None:
                    await preparation
                if room.version < self._versions.get(room.id, 0):
                    continue
            outcome = await self._append(author, room, command)
            if not (isinstance(outcome, Refused) and outcome.reason is Refusal.STALE):
                return outcome
            # Reading the room again is not enough: after the restore of an older database, its version is behind.
            await self._refresh(command.room, outcome.detail)
        return unavailable(command.id, "the room changes all the time; try again")

    async def _append(self, author: Principal, room: RoomSummary | None, command: Send) -> AppendOutcome | Error:
        answer: asyncio.Future[AppendOutcome] = asyncio.get_running_loop().create_future()

        def on_done(outcome: AppendOutcome) -> None:
            if not answer.done():  # the request may have been cancelled
                answer.set_result(outcome)

        rejection = self._messages.post(author, room, command, time.time(), on_done)
        return await answer if rejection is None else rejection
