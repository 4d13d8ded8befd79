"""The commands `typing`, `read` and `who`."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.service import room_not_found, write_error
from cloudchat.protocol import commands, replies
from cloudchat.protocol.errors import unavailable
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.ephemeral.presence_delivery import PresenceDelivery
from cloudchat.realtime.ephemeral.read_markers import ReadMarkers
from cloudchat.realtime.ephemeral.signals import (
    ReadAdvanced,
    SignalPublisher,
    Typing,
)
from cloudchat.realtime.ephemeral.typing_limit import TypingLimit
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.rooms.permissions import Command, Kind

BYTES_PER_MEMBER = 100
"""What a member in the reply to `who` costs of the user's budget of reads."""


class EphemeralCommands:
    """Executes commands that append nothing to a log.

    A user can leave the room during each `await`. Nothing of the room is sent afterwards.
    """

    def __init__(
        self,
        relay: Relay,
        markers: ReadMarkers,
        signals: SignalPublisher,
        presence: PresenceDelivery,
        read_advanced: Callable[[str], None],
    ) -> None:
        """`read_advanced` is called with the id of a user whose read position has changed in the database."""
        self._relay = relay
        self._markers = markers
        self._signals = signals
        self._presence = presence
        self._read_advanced = read_advanced
        self._typing_limit = TypingLimit(time.monotonic())

    def typing(self, connection: Connection, command: commands.Typing) -> None:
        """Tell all processes that the user types. There is no reply, except to a user who may not."""
        user, room = connection.principal, connection.rooms.get(command.room)
        if room is None:
            connection.send(room_not_found(command.id))
        elif (problem := write_error(user, room, Command.POST, command.id, time.time())) is not None:
            connection.send(problem)
        elif self._typing_limit.announce(command.room, user.user_id, time.monotonic()):
            self._signals.send(Typing(command.room, user.user_id, user.name))

    async def read(self, connection: Connection, command: commands.Read) -> None:
        """Save how far the user has read. The reply follows when it is saved; other commands do not wait for it."""
        try:
            head = (await self._relay.heads_of([command.room]))[command.room]
        except BrokerUnavailable:
            connection.send(unavailable(command.id, "the room's history cannot be read now"))
            return
        if command.room not in connection.rooms:
            connection.send(room_not_found(command.id))
            return
        # A client cannot have read what does not exist: such a marker would hide everything that is still to come.
        read = StreamPosition(head.epoch, min(command.seq, head.seq))
        saved = self._markers.advance(connection.principal.user_id, command.room, read)
        saved.add_done_callback(partial(self._read_saved, connection, command, read.seq))

    async def who(self, connection: Connection, command: commands.Who) -> None:
        """Answer who is online."""
        try:
            present = await self._presence.present(command.id, command.room)
        except DatabaseUnavailable:
            connection.send(unavailable(command.id, "the members of the room cannot be read now"))
            return
        connection.reads.charge(present.total * BYTES_PER_MEMBER, time.monotonic())
        connection.send(present if command.room in connection.rooms else room_not_found(command.id))

    def _read_saved(
        self, connection: Connection, command: commands.Read, seq: int, saved: "asyncio.Future[int]"
    ) -> None:
        failed = saved.cancelled() or saved.exception() is not None
        user_id, room = connection.principal.user_id, connection.rooms.get(command.room)
        if not failed:
            self._read_advanced(user_id)
        if room is None:
            connection.send(room_not_found(command.id))
        elif failed:
            connection.send(unavailable(command.id, "the database cannot be reached; mark it as read again"))
        else:
            connection.send(replies.ReadAck(id=command.id, room=command.room, seq=saved.result()))
            if saved.result() == seq:
                is_direct = room.kind == Kind.DIRECT
                self._signals.send(ReadAdvanced(command.room, user_id, seq, connection.id, is_direct))
