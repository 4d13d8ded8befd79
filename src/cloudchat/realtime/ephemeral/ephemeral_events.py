"""`typing`, `read` and `who`: the commands, and the delivery of what all processes signal."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.core.stream_position import StreamPosition
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.messages.service import room_not_found, write_error
from cloudchat.protocol import commands, events
from cloudchat.protocol.errors import unavailable
from cloudchat.protocol.framing import text_frame
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.ephemeral.presence_delivery import PresenceDelivery
from cloudchat.realtime.ephemeral.presence_sync import PresenceSync
from cloudchat.realtime.ephemeral.read_markers import ReadMarkers
from cloudchat.realtime.ephemeral.signals import (
    AnySignal,
    PresenceChanged,
    ReadAdvanced,
    RoomsChanged,
    SignalPublisher,
    Typing,
)
from cloudchat.realtime.ephemeral.typing_limit import TypingLimit
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.room_hints import RoomHints
from cloudchat.realtime.relay import Relay
from cloudchat.rooms.permissions import Command

BYTES_PER_MEMBER = 100
"""What a member in the reply to `who` costs of the user's budget of reads."""


class EphemeralEvents:
    """Executes the commands of connections, and is the receiver of signals."""

    def __init__(
        self,
        relay: Relay,
        hub: Hub,
        registry: ConnectionRegistry,
        markers: ReadMarkers,
        signals: SignalPublisher,
        hints: RoomHints,
        sync: PresenceSync,
        presence: PresenceDelivery,
        read_advanced: Callable[[str], None],
    ) -> None:
        """`read_advanced` is called with the id of a user whose read position has changed in the database."""
        self._relay = relay
        self._hub = hub
        self._registry = registry
        self._markers = markers
        self._signals = signals
        self._hints = hints
        self._sync = sync
        self._presence = presence
        self._read_advanced = read_advanced
        now = time.monotonic()
        self._published, self._delivered = TypingLimit(now), TypingLimit(now)

    # -- the commands -------------------------------------------------------------------------------------------------

    def typing(self, connection: Connection, command: commands.Typing) -> None:
        """Tell all processes that the user types. There is no reply, except to a user who may not."""
        user, room = connection.principal, connection.rooms.get(command.room)
        if room is None:
            connection.send(room_not_found(command.id))
        elif (problem := write_error(user, room, Command.POST, command.id, time.time())) is not None:
            connection.send(problem)
        elif self._published.announce(command.room, user.user_id, time.monotonic()):
            self._signals.send(Typing(command.room, user.user_id, user.name))

    async def read(self, connection: Connection, command: commands.Read) -> None:
        """Save how far the user has read. The reply follows when it is saved; other commands do not wait for it."""
        try:
            head = (await self._relay.heads_of([command.room]))[command.room]
        except BrokerUnavailable:
            connection.send(unavailable(command.id, "the room's history cannot be read now"))
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
        connection.send(present)

    def _read_saved(
        self, connection: Connection, command: commands.Read, seq: int, saved: "asyncio.Future[int]"
    ) -> None:
        if saved.cancelled() or saved.exception() is not None:
            connection.send(unavailable(command.id, "the database cannot be reached; mark it as read again"))
            return
        self._read_advanced(connection.principal.user_id)
        connection.send(events.ReadAck(id=command.id, room=command.room, seq=saved.result()))
        if saved.result() == seq:
            user_id = connection.principal.user_id
            self._signals.send(ReadAdvanced(command.room, user_id, seq, connection.id))

    # -- signals ------------------------------------------------------------------------------------------------------

    def signal_received(self, signal: AnySignal) -> None:
        """See `SignalReceiver`."""
        match signal:
            case Typing():
                self._deliver_typing(signal)
            case PresenceChanged():
                self._sync.change_received(signal)
            case RoomsChanged():
                self._hints.wake()
            case ReadAdvanced():
                self._read_advanced(signal.user_id)
                frame = text_frame(events.encode(events.Read(room=signal.room, seq=signal.seq)))
                for connection in self._registry.connections_of(signal.user_id):
                    if connection.id != signal.connection:
                        connection.socket.push(frame, ephemeral=True)

    def _deliver_typing(self, signal: Typing) -> None:
        pushes = self._hub.size_of(signal.room)
        # The limit again: the user may type in sockets of several processes.
        if pushes and self._delivered.announce(signal.room, signal.user_id, time.monotonic(), pushes=pushes):
            user = events.User(id=signal.user_id, name=signal.user_name)
            frame = text_frame(events.encode(events.Typing(room=signal.room, user=user)))
            own = {connection.socket for connection in self._registry.connections_of(signal.user_id)}
            self._hub.deliver_ephemeral(signal.room, frame, skip=own)
