"""Joins while others send: no event is missed and none is received twice, with one process and with two."""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from faults.recording import SocketRecording, recording_connection, segments_of
from support.accounts import Account, register
from support.server import RunningServer

JOINERS = 6
JOINS = 50


class Joiner:
    """Joins the lobby repeatedly, from random positions, over several sockets."""

    def __init__(self, number: int, server: RunningServer, account: Account, wires: list[SocketRecording]) -> None:
        self._name = f"joiner {number}"
        self._random = random.Random(number)
        self._server = server
        self._account = account
        self._wires = wires
        self._joins = 0
        self._position: tuple[str, int] | None = None

    async def run(self) -> None:
        while self._joins < JOINS:
            async with connect(
                self._server.ws_url,
                subprotocols=[Subprotocol("cloudchat.v1")],
                additional_headers={"Authorization": f"Bearer {self._account.access_token}"},
                create_connection=recording_connection(self._name, self._wires),
                proxy=None,
                max_queue=None,  # the default stops reading at 16 unread frames and never reads the close
            ) as socket:
                for _ in range(6):
                    await self._join(socket)
                    if self._random.random() < 0.3:
                        await socket.send(json.dumps({"type": "leave", "room": "lobby"}))

    async def _join(self, socket: ClientConnection) -> None:
        """Join, often twice without waiting for the reply, and read until a live event has arrived."""
        for _ in range(self._random.choice([1, 1, 2])):
            self._joins += 1
            command: dict[str, Any] = {"type": "join", "id": f"j{self._joins}", "room": "lobby", "limit": 20}
            if self._position is not None and self._random.random() < 0.8:
                back = self._random.choice([0, 0, 1, 7, 50, 150, 600])
                command["after"] = {"epoch": self._position[0], "seq": max(0, self._position[1] - back)}
            await socket.send(json.dumps(command))
        joined = await self._read(socket, lambda frame: frame.get("id") == f"j{self._joins}")
        assert joined["status"] == ("recovered" if "after" in command else "fresh"), joined
        enough = joined["seq"] + self._random.randrange(3)
        if self._position is None or self._position[1] < enough:
            await self._read(socket, lambda frame: frame["type"] == "message" and frame["seq"] >= enough)

    async def _read(self, socket: ClientConnection, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                frame: dict[str, Any] = json.loads(await socket.recv())
                assert frame["type"] != "error", frame
                if frame["type"] == "message":
                    self._position = frame["epoch"], max(frame["seq"], self._position[1] if self._position else 0)
                if matches(frame):
                    return frame


@pytest.mark.parametrize("workers", [1, 2])
def test_joins_during_sends_miss_nothing_and_repeat_nothing(workers: int) -> None:
    wires: list[SocketRecording] = []

    async def join_all(server: RunningServer, account: Account) -> None:
        await asyncio.gather(*(Joiner(number, server, account, wires).run() for number in range(JOINERS)))

    with RunningServer(workers=workers, environment=ENVIRONMENT) as server:
        account = register(server.url)
        with Crowd(server.ws_url, account, writers=3, bursters=1, readers=0) as crowd:
            asyncio.run(join_all(server, account))
            history = crowd.finish()
    segments = [segment for wire in wires for segment in segments_of(wire)]
    assert len(segments) >= JOINERS * JOINS
    assert sum(len(segment.events) for segment in segments) > 1000
    history.segments += segments
    assert violations(history) == []
