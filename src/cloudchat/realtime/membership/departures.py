"""End the delivery to a user who has left a room, or was removed, at the notice of it in the room's log.

Each process delivers the events of a log in their order. So this decides for every process between which two events a
user leaves: the sockets get everything before the notice, and nothing after it. Which of the removal and a message is
first is decided by the store, in the atomic step that appends each of them.
"""

import msgspec

from cloudchat.protocol.events import User
from cloudchat.realtime.connection_registry import ConnectionRegistry
from cloudchat.realtime.hub import Hub
from cloudchat.realtime.membership.room_hints import RoomHints

NOTICE = b'{"type":"notice"'
_DEPARTURES = ("left", "removed")


class _Departure(msgspec.Struct):
    kind: str
    user: User
    target: User | None = None


_decoder = msgspec.json.Decoder(_Departure)


class Departures:
    """Reads the notices of all rooms, before they are delivered."""

    def __init__(self, registry: ConnectionRegistry, hub: Hub, hints: RoomHints) -> None:
        self._registry = registry
        self._hub = hub
        self._hints = hints
        self._departed: list[tuple[str, str]] = []

    def before_delivery(self, room: str, event: bytes) -> None:
        """Take the sockets of a user out of the room if this event is the notice that the user has left it."""
        if not event.startswith(NOTICE):
            return
        notice = _decoder.decode(event)
        if notice.kind not in _DEPARTURES:
            return
        user_id = (notice.target or notice.user).id
        connections = [held for held in self._registry.connections_of(user_id) if room in held.rooms]
        if not connections:
            return
        self._hub.flush(room)
        for connection in connections:
            self._hub.remove(room, connection.socket)
            connection.drop_room(room)  # its commands find no such room from now on
        # SQL has the last word: the user may have been added again in the meantime.
        self._departed.append((user_id, room))
        self._hints.wake()

    def take(self) -> list[tuple[str, str]]:
        """Return the ids of the users and rooms of all departures that were begun here and must be completed."""
        departed, self._departed = self._departed, []
        return departed
