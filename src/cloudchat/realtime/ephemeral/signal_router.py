"""Acts on the signals of all processes, also of this one."""

import time
from collections.abc import Callable

from cloudchat.protocol import events
from cloudchat.protocol.framing import text_frame
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.ephemeral.presence_sync import PresenceSync
from cloudchat.realtime.ephemeral.signals import AnySignal, PresenceChanged, ReadAdvanced, RoomsChanged, Typing
from cloudchat.realtime.ephemeral.typing_limit import INTERVAL_SECONDS, MAX_JITTER_SECONDS, TypingLimit
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.room_hints import RoomHints


class SignalRouter:
    """Passes each signal to those whom it concerns."""

    def __init__(
        self,
        hub: Hub,
        registry: ConnectionRegistry,
        hints: RoomHints,
        presence: PresenceSync,
        read_advanced: Callable[[str], None],
    ) -> None:
        """`read_advanced` is called with the id of a user whose read position has changed in the database."""
        self._hub = hub
        self._registry = registry
        self._hints = hints
        self._presence = presence
        self._read_advanced = read_advanced
        self._typing_limit = TypingLimit(time.monotonic(), INTERVAL_SECONDS - MAX_JITTER_SECONDS)

    def signal_received(self, signal: AnySignal) -> None:
        """See `SignalReceiver`."""
        match signal:
            case Typing():
                self._deliver_typing(signal)
            case PresenceChanged():
                self._presence.change_received(signal)
            case RoomsChanged():
                self._hints.wake()
            case ReadAdvanced():
                self._read_advanced(signal.user_id)
                self._deliver_read(signal)

    def _deliver_read(self, signal: ReadAdvanced) -> None:
        own = self._registry.connections_of(signal.user_id)
        frame = text_frame(events.encode(events.Read(room=signal.room, seq=signal.seq)))
        for connection in own:
            # The user may have left the room since the marker was saved.
            if connection.id != signal.connection and signal.room in connection.rooms:
                connection.socket.push(frame, ephemeral=True)
        if signal.is_direct and self._hub.size_of(signal.room):
            by = events.ReadBy(room=signal.room, user=signal.user_id, seq=signal.seq)
            skip = {connection.socket for connection in own}
            self._hub.deliver_ephemeral(signal.room, text_frame(events.encode(by)), skip=skip)

    def _deliver_typing(self, signal: Typing) -> None:
        pushes = self._hub.size_of(signal.room)
        # The limit again: the user may type in sockets of several processes.
        if pushes and self._typing_limit.announce(signal.room, signal.user_id, time.monotonic(), pushes=pushes):
            user = events.User(id=signal.user_id, name=signal.user_name)
            frame = text_frame(events.encode(events.Typing(room=signal.room, user=user)))
            own = {connection.socket for connection in self._registry.connections_of(signal.user_id)}
            self._hub.deliver_ephemeral(signal.room, frame, skip=own)
