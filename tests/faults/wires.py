"""Everything that went over the sockets of a client, and the runs of events in it."""

import json
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection

from faults.story import Event, Run


@dataclass
class Wire:
    """One socket. `lines`: (sent by us?, text)."""

    client: str
    lines: list[tuple[bool, str]] = field(default_factory=list)
    ended: bool = False
    close_code: int | None = None


def recorded(client: str, wires: list[Wire]) -> type[ClientConnection]:
    """A connection class for `websockets.connect(create_connection=…)` that keeps what it carries in `wires`."""

    class Recorded(ClientConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.wire = Wire(client)
            wires.append(self.wire)

        async def send(self, message: Any, **options: Any) -> None:
            self.wire.lines.append((True, str(message)))
            await super().send(message, **options)

        async def recv(self, *args: Any, **options: Any) -> Any:
            message = await super().recv(*args, **options)
            self.wire.lines.append((False, str(message)))
            return message

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self.wire.ended, self.wire.close_code = True, self.close_code

    return Recorded


def runs_of(wire: Wire, room: str = "lobby") -> list[Run]:
    """The runs of one room's events on a wire."""
    joins: dict[str, dict[str, Any]] = {}
    runs: list[Run] = []
    now: Run | None = None
    for ours, text in wire.lines:
        frame = json.loads(text)
        if ours:
            if frame["type"] == "join":
                joins[frame["id"]] = frame
        elif frame.get("room") != room:
            continue
        elif frame["type"] == "joined":
            command = joins[frame["id"]]
            after = (command["after"]["epoch"], command["after"]["seq"]) if "after" in command else None
            if now is not None:
                now.whole = (
                    True  # commands that read are worked off in turn: a join begins when the one before has ended
                )
            place = frame["epoch"], frame["seq"], frame["oldest"]
            now = Run(wire.client, frame["status"], *place, command["limit"], after)
            runs.append(now)
        elif now is not None and frame["type"] == "message":
            now.events.append(Event.of(text))
        elif now is not None and frame["type"] == "head":
            last = now.events[-1].seq if now.events else now.head
            if frame["epoch"] != now.epoch or frame["seq"] > last:
                now.whole, now = True, None
    if now is not None and not wire.ended:
        now.whole = True
    return runs
