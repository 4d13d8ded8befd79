"""Record everything on a client's sockets, and extract the segments of a room's events from it."""

import json
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection

from faults.observations import Event, Segment


@dataclass
class SocketRecording:
    """One socket. `frames`: (whether the client sent it, text)."""

    client: str
    frames: list[tuple[bool, str]] = field(default_factory=list)
    ended: bool = False
    close_code: int | None = None


def recording_connection(client: str, recordings: list[SocketRecording]) -> type[ClientConnection]:
    """Return a class for `websockets.connect(create_connection=…)` that adds a recording of itself to `recordings`."""

    class RecordingConnection(ClientConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.recording = SocketRecording(client)
            recordings.append(self.recording)

        async def send(self, message: Any, **options: Any) -> None:
            self.recording.frames.append((True, str(message)))
            await super().send(message, **options)

        async def recv(self, *args: Any, **options: Any) -> Any:
            message = await super().recv(*args, **options)
            self.recording.frames.append((False, str(message)))
            return message

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self.recording.ended, self.recording.close_code = True, self.close_code

    return RecordingConnection


def segments_of(recording: SocketRecording, room: str = "lobby") -> list[Segment]:
    """Return the segments of one room's events in a recording."""
    joins: dict[str, dict[str, Any]] = {}
    segments: list[Segment] = []
    current: Segment | None = None
    for is_sent, text in recording.frames:
        frame = json.loads(text)
        if is_sent:
            if frame["type"] == "join":
                joins[frame["id"]] = frame
        elif frame.get("room") != room:
            continue
        elif frame["type"] == "joined":
            command = joins[frame["id"]]
            after = (command["after"]["epoch"], command["after"]["seq"]) if "after" in command else None
            if current is not None:
                # The server runs commands that read in turn: this join began when the replay before it had ended.
                current.complete = True
            position = frame["epoch"], frame["seq"], frame["oldest"]
            current = Segment(recording.client, frame["status"], *position, command["limit"], after)
            segments.append(current)
        elif current is not None and frame["type"] == "message":
            current.events.append(Event.of(text))
        elif current is not None and frame["type"] == "head":
            last = current.events[-1].seq if current.events else current.head
            if frame["epoch"] != current.epoch or frame["seq"] > last:
                current.complete, current = True, None
    if current is not None and not recording.ended:
        current.complete = True
    return segments
