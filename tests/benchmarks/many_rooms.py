"""Clients with many rooms: how long they take to resume all of them after a `kill -9`, and what an idle room costs.

All clients are members of all rooms. Each is `BEHIND` messages behind in every room when the server is killed. The time
is from the first handshake, one second after the start, until every client has every message.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.many_rooms
"""

import argparse
import asyncio
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from support.accounts import Account
from support.chat_users import RATES, signed_in
from support.many_rooms import add_rooms
from support.process_usage import resident_bytes
from support.server import RunningServer

MESSAGES = 20
BEHIND = 2
TEXT = "x" * 120
BATCH = 200
HEARTBEAT_SECONDS = 1
HEARTBEATS = 20
ENVIRONMENT = {
    **RATES,
    "CLOUDCHAT_SENDS_PER_10S": "100000",
    "CLOUDCHAT_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
}

Position = dict[str, Any]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def measured_cpu(server: RunningServer, label: str) -> Iterator[None]:
    """Print the CPU time that server and store took in the block."""
    pids = {"server": server.pid, "store": server.store_pid}
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    yield
    used = ", ".join(f"{name} {cpu_seconds(pid) - before[name]:.2f} s" for name, pid in pids.items())
    print(f"{label}: CPU {used}")


class Client:
    """One client with its positions in all rooms."""

    def __init__(self, server: RunningServer, account: Account, rooms: list[str]) -> None:
        self._url, self._token, self.rooms = server.ws_url, account.access_token, rooms
        self.positions: dict[str, Position] = {}
        self._socket: ClientConnection | None = None

    async def open(self) -> None:
        self._socket = await connect(
            self._url,
            subprotocols=[Subprotocol("cloudchat.v1")],
            additional_headers={"Authorization": f"Bearer {self._token}"},
            compression=None,
            max_size=None,
            max_queue=None,
        )
        assert (await self.receive())["type"] == "welcome"

    async def receive(self) -> Any:
        assert self._socket is not None
        return json.loads(await self._socket.recv())

    async def send(self, frames: list[dict[str, Any]]) -> None:
        assert self._socket is not None
        for frame in frames:
            await self._socket.send(json.dumps(frame))

    async def post(self, count: int) -> None:
        """Post messages into every room, and keep the last position of each."""
        frames = [
            {"type": "send", "room": room, "cid": str(uuid.uuid4()), "text": TEXT}
            for room in self.rooms
            for _ in range(count)
        ]
        for start in range(0, len(frames), BATCH):
            part = frames[start : start + BATCH]
            await self.send(part)
            acks = 0
            while acks < len(part):
                frame = await self.receive()
                assert frame["type"] != "error", frame
                if frame["type"] == "ack":
                    acks += 1
                    self.positions[frame["room"]] = {"epoch": frame["epoch"], "seq": frame["seq"]}

    async def resume(self, heads: dict[str, Position]) -> None:
        """Join all rooms at once with the positions, and receive until the heads are reached."""
        joins = [{"type": "join", "room": room, "after": self.positions[room]} for room in self.rooms]
        await self.send(joins)
        missing = {room for room in self.rooms if heads[room] != self.positions[room]}
        joined = 0
        while missing or joined < len(self.rooms):
            frame = await self.receive()
            assert frame["type"] != "error", frame
            if frame["type"] == "joined":
                assert frame["status"] == "recovered", frame
                joined += 1
            elif frame["type"] == "message" and frame["seq"] == heads[frame["room"]]["seq"]:
                missing.discard(frame["room"])

    async def unread(self) -> int:
        await self.send([{"type": "unread"}])
        while (frame := await self.receive())["type"] != "unread":
            pass
        return sum(room["unread"] for room in frame["rooms"])

    async def close(self) -> None:
        assert self._socket is not None
        await self._socket.close()


async def measure(server: RunningServer, accounts: list[Account], rooms: list[str], messages: int) -> None:
    """Measure one start with all clients."""
    clients = [Client(server, account, rooms) for account in accounts]
    writer = clients[0]
    await writer.open()
    await writer.post(messages)
    before = dict(writer.positions)
    await writer.post(BEHIND)
    heads = dict(writer.positions)
    for number in (1, len(clients)):
        server.kill()
        server.start()
        await asyncio.sleep(1)  # the work of the start itself is not measured
        memory = resident_bytes(server.pid)
        started_at = time.monotonic()
        with measured_cpu(server, f"{number} × {len(rooms)} rooms resumed"):
            await asyncio.gather(*(resume(client, before, heads) for client in clients[:number]))
        print(f"{number} × {len(rooms)} rooms resumed: {time.monotonic() - started_at:.2f} s")
        grown = (resident_bytes(server.pid) - memory) / len(rooms)
        print(f"memory: {grown / 1024:.1f} KiB for each room")
        with measured_cpu(server, f"{HEARTBEATS} heartbeats of {number} × {len(rooms)} rooms"):
            await asyncio.sleep(HEARTBEATS * HEARTBEAT_SECONDS)
        with measured_cpu(server, f"unread with {messages + BEHIND} messages in each room"):
            asked_at = time.monotonic()
            count = await clients[number - 1].unread()
            print(f"unread: {count} messages, {time.monotonic() - asked_at:.2f} s")
        for client in clients[:number]:
            await client.close()


async def resume(client: Client, positions: dict[str, Position], heads: dict[str, Position]) -> None:
    """Open a socket and resume all rooms."""
    client.positions = dict(positions)
    await client.open()
    await client.resume(heads)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=500)
    parser.add_argument("--clients", type=int, default=5)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="in each room, before the missed ones")
    options = parser.parse_args()
    names = [f"user{number}" for number in range(options.clients)]
    with RunningServer(environment=ENVIRONMENT) as server, signed_in(server, *names) as accounts:
        rooms = add_rooms(server, options.rooms, [account.user_id for account in accounts])
        asyncio.run(measure(server, accounts, rooms, options.messages))


if __name__ == "__main__":
    main()
