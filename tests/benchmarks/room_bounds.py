"""What is bounded in a room, measured with real servers: typists, large rooms, many lost sockets, a user who flaps.

CPU times and counts hardly depend on what else the machine does; times do.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.room_bounds [PART…]
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import httpx
from sqlalchemy import text

from benchmarks.accounts import TOKEN_SECONDS, create_tokens
from benchmarks.machine import cpu_seconds, proportional_bytes
from benchmarks.results import percentile
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database
from support.chat_users import RATES
from support.raw_socket import PING, PONG, TEXT, RawSocket, frame
from support.server import RunningServer

ENVIRONMENT = {
    **RATES,
    "CLOUDCHAT_ACCESS_TOKEN_SECONDS": str(TOKEN_SECONDS),
    "CLOUDCHAT_SENDS_PER_10S": "5000",
    "CLOUDCHAT_CONNECT_RATE": "999999/minute",
    "CLOUDCHAT_CONNECT_USER_RATE": "999999/minute",
    "CLOUDCHAT_SOCKETS_PER_ADDRESS": "10000",
}


class Client(asyncio.Protocol):
    """One socket. It counts the frames of each kind, and keeps those with an id."""

    def __init__(self, token: str) -> None:
        self._request = RawSocket.request(token)
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: Any = None
        self._unread = b""
        self._reply: asyncio.Future[dict[str, Any]] | None = None
        self.counts: Counter[str] = Counter()

    @classmethod
    async def open(cls, server: RunningServer, token: str, *rooms: str) -> "Client":
        """Open a socket and join rooms."""
        _, client = await asyncio.get_running_loop().create_connection(lambda: cls(token), "127.0.0.1", server.port)
        await client._opened
        for room in rooms:
            await client.ask({"type": "join", "room": room, "limit": 0})
        return client

    async def ask(self, command: Mapping[str, object]) -> dict[str, Any]:
        """Send a command and return its reply."""
        self._reply = asyncio.get_running_loop().create_future()
        self.send({**command, "id": "asked"})
        return await self._reply

    def send(self, command: Mapping[str, object]) -> None:
        self._transport.write(frame(TEXT, json.dumps(command).encode()))

    def abort(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._opened.done():
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " in head:
                self._opened.set_result(None)
            else:
                self._opened.set_exception(ConnectionRefusedError(head.partition(b"\r\n")[0].decode()))
            self._unread = rest
        while (frame_end := self._frame_end()) is not None:
            received, self._unread = self._unread[:frame_end], self._unread[frame_end:]
            if received[0] & 15 == PING:  # a short frame: without a pong the server closes the connection
                self._transport.write(frame(PONG, received[2:]))
            else:
                self._received(received[received.find(b"{") :])

    def _frame_end(self) -> int | None:
        """Return where the first unread frame ends; None if a part of it is missing. The server masks nothing."""
        if len(self._unread) < 4:
            return None
        short = self._unread[1]
        extended = {126: 2, 127: 8}.get(short, 0)
        end = 2 + extended + (int.from_bytes(self._unread[2 : 2 + extended]) if extended else short)
        return end if len(self._unread) >= end else None

    def _received(self, event: bytes) -> None:
        if b'"id":"asked"' in event and self._reply is not None:
            self._reply.set_result(json.loads(event))
        kind = event[9 : event.find(b'"', 9)].decode(errors="replace")
        self.counts[kind] += 1


@contextmanager
def running(members: int, room_members: int, workers: int = 1) -> Iterator[tuple[RunningServer, list[str]]]:
    """Run a server with users in rooms, and yield it with a token of each. The first of each room is its owner."""
    with RunningServer(environment=ENVIRONMENT, workers=workers) as server:
        url = f"sqlite:///{server.state_dir / 'cloudchat.db'}"
        tokens = create_tokens(members, server.state_dir, url, room_members=room_members)
        with closing(Database(create_engine(url))) as database, database.write() as db:
            first = "SELECT user_id FROM memberships m WHERE m.room_id = memberships.room_id ORDER BY rowid LIMIT 1"
            db.execute(text(f"UPDATE memberships SET role = 'owner' WHERE room_id <> 'lobby' AND user_id = ({first})"))
        yield server, tokens


def room(number: int) -> str:
    return f"bench-{number:05}"


def report(what: str, **values: object) -> None:
    print(f"{what}: {', '.join(f'{name} {value}' for name, value in values.items())}", flush=True)


async def cpu_of(server: RunningServer, work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Return the CPU time of the server's processes and of the store for the work."""
    pids = [server.pid, *server.worker_pids]
    before = cpu_seconds(pids), cpu_seconds([server.store_pid])
    await work()
    return cpu_seconds(pids) - before[0], cpu_seconds([server.store_pid]) - before[1]


def server_mib(server: RunningServer) -> int:
    """Return the memory of the server's processes, without the store."""
    return proportional_bytes([server.pid, *server.worker_pids]) >> 20


async def typists(seconds: int = 9) -> None:
    """200 members of one room type all the time."""
    with running(200, 200) as (server, tokens):
        clients = [await Client.open(server, token, room(0)) for token in tokens]
        before = sum(client.counts["typing"] for client in clients)
        mib_before = server_mib(server)

        async def type_all() -> None:
            for _ in range(seconds * 5):
                for client in clients:
                    client.send({"type": "typing", "room": room(0)})
                await asyncio.sleep(0.2)

        started_at = time.monotonic()
        used, store = await cpu_of(server, type_all)
        took = time.monotonic() - started_at
        frames = sum(client.counts["typing"] for client in clients) - before
        report(
            "200 typists",
            commands_per_second=round(seconds * 5 * 200 / took),
            frames_per_second=round(frames / took),
            errors=sum(client.counts["error"] for client in clients),
            server_cores=round(used / took, 2),
            store_cores=round(store / took, 3),
            server_mib=f"{mib_before} -> {server_mib(server)}",
        )


async def large_room(members: int = 5000, joined: int = 300) -> None:
    """A room of 5,000 members: join, who, a change of a member, presence."""
    with running(members, members) as (server, tokens):
        mib_before = server_mib(server)
        watchers = [await Client.open(server, token, room(0)) for token in tokens[1 : joined + 1]]

        async def join() -> None:
            for token in tokens[joined + 1 : joined + 51]:
                await Client.open(server, token, room(0))

        async def who() -> None:
            for _ in range(20):
                began = time.monotonic()
                reply = await watchers[0].ask({"type": "who", "room": room(0)})
                times.append(time.monotonic() - began)
                listed.append((len(reply["users"]), reply["total"]))

        async def change() -> None:
            url = f"{server.url}/api/rooms/{room(0)}/members"
            headers = {"Authorization": f"Bearer {tokens[0]}"}
            async with httpx.AsyncClient(headers=headers) as http:
                found = (await http.get(url, params={"limit": 2})).raise_for_status().json()
                other = found["members"][1]["id"]
                for number in range(20):
                    role = "reader" if number % 2 else "moderator"
                    began = time.monotonic()
                    (await http.put(f"{url}/{other}", json={"role": role})).raise_for_status()
                    times.append(time.monotonic() - began)

        times: list[float] = []
        listed: list[tuple[int, int]] = []
        used, _ = await cpu_of(server, join)
        report("5,000 members, open and join", server_ms_each=round(used * 1000 / 50, 2))
        used, _ = await cpu_of(server, who)
        report(
            "5,000 members, who",
            server_ms_each=round(used * 1000 / 20, 1),
            p50_ms=round(percentile(times, 0.5) * 1000, 1),
            listed_and_total=listed[-1],
        )
        times.clear()
        notices = sum(client.counts["notice"] for client in watchers)
        used, _ = await cpu_of(server, change)
        await asyncio.sleep(0.5)
        report(
            "5,000 members, change of a role",
            server_ms_each=round(used * 1000 / 20, 1),
            p50_ms=round(percentile(times, 0.5) * 1000, 1),
            notices_of_each_socket=(sum(client.counts["notice"] for client in watchers) - notices) / joined,
        )
        report(
            "5,000 members, presence frames",
            of_all_sockets=sum(client.counts["presence"] for client in watchers),
            server_mib=f"{mib_before} -> {server_mib(server)}",
        )


async def lost_sockets(rooms: int = 30) -> None:
    """2,970 sockets of members of 30 rooms with 100 members each are lost at once."""
    with running(rooms * 100, 100) as (server, tokens):
        watchers = [await Client.open(server, tokens[n * 100 + 99], room(n)) for n in range(rooms)]
        lost: list[Client] = []
        for number in range(rooms):
            part = tokens[number * 100 : number * 100 + 99]
            lost += await asyncio.gather(*(Client.open(server, token, room(number)) for token in part))
        await until(lambda: min(client.counts["presence"] for client in watchers) >= 99)
        for client in watchers:
            client.counts.clear()
        pings: list[float] = []
        took = 0.0
        mib_before = server_mib(server)

        async def lose() -> None:
            nonlocal took
            began = time.monotonic()
            for client in lost:
                client.abort()
            while sum(client.counts["presence"] for client in watchers) < len(lost):
                asked = time.monotonic()
                await watchers[0].ask({"type": "ping"})
                pings.append(time.monotonic() - asked)
                await asyncio.sleep(0.01)
            took = time.monotonic() - began

        used, store = await cpu_of(server, lose)
        report(
            f"{len(lost)} sockets lost",
            seconds_until_all_know=round(took, 1),
            server_cpu_s=round(used, 2),
            store_cpu_s=round(store, 2),
            ping_max_ms=round(max(pings) * 1000),
            server_mib=f"{mib_before} -> {server_mib(server)}",
        )


async def flapping(seconds: int = 20) -> None:
    """A user of a room of 100 connects and disconnects as fast as possible."""
    with running(100, 100) as (server, tokens):
        watchers = [await Client.open(server, token, room(0)) for token in tokens[1:]]
        await until(lambda: watchers[0].counts["presence"] >= 98)
        for client in watchers:
            client.counts.clear()
        cycles = 0
        mib_before = server_mib(server)

        async def flap() -> None:
            nonlocal cycles
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                (await Client.open(server, tokens[0])).abort()
                cycles += 1

        used, _ = await cpu_of(server, flap)
        report(
            f"a user who flaps for {seconds} s",
            connections=cycles,
            server_ms_each=round(used * 1000 / cycles, 2),
            presence_frames_of_a_member=max(client.counts["presence"] for client in watchers),
            server_mib=f"{mib_before} -> {server_mib(server)}",
        )


async def who_is_right(trials: int = 20) -> None:
    """With two processes: from `welcome` until `who` in all sockets of others has the user."""
    with running(100, 100, workers=2) as (server, tokens):
        watchers = [await Client.open(server, token, room(0)) for token in tokens[:6]]
        await asyncio.sleep(1)
        times = []
        for number, token in enumerate(tokens[6 : 6 + trials], 7):
            await Client.open(server, token)
            began = time.monotonic()
            for client in watchers:
                while (await client.ask({"type": "who", "room": room(0)}))["total"] < number:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            times.append(time.monotonic() - began)
        report("who is right after", p50_s=round(percentile(times, 0.5), 2), max_s=round(max(times), 2))


async def mute(trials: int = 10) -> None:
    """With two processes: from the answer to a mute, or its end, until it holds for six sockets of the user."""
    with running(2, 2, workers=2) as (server, tokens):
        clients = [await Client.open(server, tokens[1], room(0)) for _ in range(6)]
        headers = {"Authorization": f"Bearer {tokens[0]}"}
        async with httpx.AsyncClient(headers=headers) as http:
            url = f"{server.url}/api/rooms/{room(0)}"
            members = (await http.get(f"{url}/members")).raise_for_status().json()["members"]
            muted = next(member["id"] for member in members if member["role"] != "owner")
            times: dict[str, list[float]] = {"muted": [], "ack": []}
            for number in range(2 * trials):
                wanted = "ack" if number % 2 else "muted"
                if wanted == "muted":
                    answer = await http.put(f"{url}/mutes/{muted}", json={"reason": "measured"})
                else:
                    answer = await http.delete(f"{url}/mutes/{muted}")
                answer.raise_for_status()
                began = time.monotonic()
                for client in clients:
                    while await outcome(client) != wanted:  # noqa: ASYNC110
                        await asyncio.sleep(0.005)
                times[wanted].append(time.monotonic() - began)
        for what, measured in times.items():
            report(f"{what} in all sockets after", p50_s=round(percentile(measured, 0.5), 3), max_s=max(measured))


async def outcome(client: Client) -> str:
    """Send a message and return `ack` or the code of the error."""
    cid = f"00000000-0000-4000-8000-{time.monotonic_ns() % 10**12:012d}"
    reply = await client.ask({"type": "send", "room": room(0), "cid": cid, "text": "hello"})
    return str(reply.get("code", reply["type"]))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


PARTS: dict[str, Callable[[], Awaitable[None]]] = {
    "typists": typists,
    "large": large_room,
    "lost": lost_sockets,
    "flapping": flapping,
    "who": who_is_right,
    "mute": mute,
}


async def main(parts: list[str]) -> None:
    """Run the parts."""
    for part in parts or PARTS:
        await PARTS[part]()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
