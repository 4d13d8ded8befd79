"""How far the user has read, until the server has saved it. Sans-I/O.

A marker never goes back, so only the newest one of a room counts, and it can be sent any number of times.
"""

import itertools

from cloudchat.client.protocol.room_events import Frame

RETRY_SECONDS = 1.0


class ReadMarkers:
    """Times are seconds of a monotonic clock. Each room has one command in flight at a time."""

    def __init__(self) -> None:
        self._unsaved: dict[str, int] = {}
        self._in_flight: dict[str, tuple[str, int]] = {}
        """Room and seq of each command that is not answered, by its id."""
        self._ids = itertools.count(1)
        self._retry_at = 0.0

    def read(self, room: str, seq: int) -> None:
        """Record that the user has read the room up to `seq`."""
        self._unsaved[room] = max(seq, self._unsaved.get(room, 0))

    def connected(self) -> None:
        """Record a new connection: what was in flight on the last one is sent again."""
        self._in_flight.clear()
        self._retry_at = 0.0

    def take_due(self, now: float) -> list[Frame]:
        """Return the commands to send now."""
        if now < self._retry_at:
            return []
        commands = []
        for room in self._waiting_rooms():
            id, seq = f"m{next(self._ids)}", self._unsaved[room]
            self._in_flight[id] = (room, seq)
            commands.append({"type": "read", "id": id, "room": room, "seq": seq})
        return commands

    def next_due(self) -> float | None:
        """Return when `take_due` has something to return, None if that depends on a reply."""
        return self._retry_at if self._waiting_rooms() else None

    def reply_received(self, frame: Frame, now: float) -> bool:
        """Handle an `ack` or `error`. Return whether it belongs to a command in flight."""
        command = self._in_flight.pop(frame.get("id") or "", None)
        if command is None:
            return False
        room, seq = command
        if frame["type"] == "error" and frame["retryable"]:
            self._retry_at = now + frame.get("retry_after_ms", 0) / 1000 + RETRY_SECONDS
        elif frame["type"] == "error" or self._unsaved[room] == seq:
            del self._unsaved[room]
        return True

    def _waiting_rooms(self) -> set[str]:
        return self._unsaved.keys() - {room for room, _ in self._in_flight.values()}
