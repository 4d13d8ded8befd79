"""Writers and readers that stay connected while a test breaks things under them, and write down what they see.

They live on an event loop in a thread of their own, so that a test reads as what it does: kill, wait, kill, finish.
"""

import asyncio
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import msgspec

from cloudchat.client import (
    ChatClient,
    Connected,
    ConnectionLost,
    Gap,
    ReconnectPolicy,
    RequestRefused,
    RoomEvent,
    Update,
)
from faults.story import Ack, Event, Missing, Said, Story
from faults.wires import Wire, recorded, runs_of
from support.accounts import Account
from support.socket import ChatSocket

ENVIRONMENT = {
    "CLOUDCHAT_SENDS_PER_10S": "1000000",
    "CLOUDCHAT_HISTORY_MESSAGES": "1000000",
    "CLOUDCHAT_HEARTBEAT_SECONDS": "5",
    "CLOUDCHAT_SOCKETS_PER_USER": "100",
    "CLOUDCHAT_CONNECT_RATE": "10000/minute",
    "CLOUDCHAT_CONNECT_USER_RATE": "10000/minute",
}
"""For the servers: limits that are tested elsewhere must not be what a fault run meets."""
PACE_SECONDS = 0.008
BURST = 10
HEAL_SECONDS = 30.0


class Crowd:
    """`writers` wait for each ack and repeat until they have it, `bursters` send many at once and repeat nothing.

    `readers` only listen. All are in the lobby. `options` go to each `ChatClient`. Use as a context manager.
    """

    def __init__(
        self,
        ws_url: str,
        account: Account,
        *,
        others: list[Account] | None = None,
        writers: int = 3,
        bursters: int = 1,
        readers: int = 2,
        text_chars: int = 20,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._ws_url = ws_url
        self._options = dict(options or {})
        self._accounts = [account, *(others or [])]
        self._counts = {"writer": writers, "burster": bursters, "reader": readers}
        self._padding = "é" * text_chars
        self.wires: list[Wire] = []
        self._said: list[Said] = []
        self._views: dict[str, list[str | Missing]] = {}
        self._clients: dict[str, ChatClient] = {}
        self.connections: Counter[str] = Counter()
        """How often each client was welcomed."""
        self.acks = 0
        self._news = threading.Condition()
        self._stop = asyncio.Event()
        self._written = threading.Event()
        self._leave = asyncio.Event()
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="crowd", daemon=True)
        self._loop: asyncio.AbstractEventLoop

    # -- for the test -------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.wait_for_acks(30)
            self.wait_until_all_came(1)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def wait_for_acks(self, more: int, seconds: float = 30) -> int:
        """Wait until `more` acks have come, counted from now; returns how many there are in all."""
        with self._news:
            wanted = self.acks + more
            came = self._news.wait_for(lambda: self.acks >= wanted or self._failed, seconds)
            assert came, f"{self.acks} acks, {wanted} wanted; {self.state()}"
            assert not self._failed, self._failed
            return self.acks

    def wait_until_all_came(self, times: int) -> None:
        """Wait until every client has been welcomed so many times."""
        with self._news:
            came = self._news.wait_for(lambda: all(self.connections[name] >= times for name in self._views), 30)
            assert came, self.state()

    def finish(self, ws_url: str | None = None) -> Story:
        """Let everybody have their last ack, wait until all have seen all, and tell the story."""
        self._loop.call_soon_threadsafe(self._stop.set)
        assert self._written.wait(HEAL_SECONDS), f"writers still wait for an ack: {self.state()}"
        account = self._accounts[0]
        deadline = time.monotonic() + HEAL_SECONDS
        while True:
            history = read_history(ws_url or self._ws_url, account.access_token)
            head = history[-1].place
            behind = {name: at for name, client in self._clients.items() if (at := _place(client)) != head}
            if not behind:
                break
            assert time.monotonic() < deadline, f"not healed: the log is at {head}, {behind}"
            time.sleep(0.05)
        runs = [run for wire in list(self.wires) for run in runs_of(wire)]
        views = {
            name: [item if isinstance(item, Missing) else Event.of(item) for item in view]
            for name, view in self._views.items()
        }
        print(f"{len(self._said)} sends, {self.acks} acks, {len(runs)} joins, {len(history)} events")
        return Story(list(self._said), runs, views, history)

    def state(self) -> str:
        """Where everybody stands, for a failure's message."""
        places = {name: _place(client) for name, client in self._clients.items()}
        return f"positions {places}, connections {dict(self.connections)}, failed {self._failed}"

    def _end(self) -> None:
        def leave() -> None:
            self._stop.set()
            self._leave.set()

        self._loop.call_soon_threadsafe(leave)
        self._thread.join(HEAL_SECONDS)

    # -- in the thread ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        names = [f"{kind} {number}" for kind, count in self._counts.items() for number in range(count)]
        talkers = sum(count for kind, count in self._counts.items() if kind != "reader")
        self._talking = talkers
        lives = [self._life(name, self._accounts[i % len(self._accounts)]) for i, name in enumerate(names)]
        await asyncio.gather(*lives, return_exceptions=True)

    async def _life(self, name: str, account: Account) -> None:
        async def token(fresh: bool) -> str:
            return account.access_token

        self._views[name] = []
        client = ChatClient(
            self._ws_url,
            token,
            on_update=lambda update: self._note(name, update),
            policy=ReconnectPolicy(base_seconds=0.1, max_seconds=1),
            options={"create_connection": recorded(name, self.wires), "proxy": None, **self._options},
        )
        self._clients[name] = client
        try:
            async with client:
                client.join("lobby", limit=500)
                talk = {"writer": self._write, "burster": self._burst}.get(name.split()[0])
                if talk is not None:
                    while not self._stop.is_set():
                        await talk(name, account, client)
                        await asyncio.sleep(PACE_SECONDS)
                    self._talking -= 1
                    if self._talking == 0:
                        self._written.set()
                await self._leave.wait()
        except BaseException as problem:
            with self._news:
                self._failed.append(problem)
                self._news.notify_all()
            raise

    def _note(self, name: str, update: Update) -> None:
        if isinstance(update, RoomEvent):
            self._views[name].append(update.text)
        elif isinstance(update, Gap):
            self._views[name].append(Missing())
        elif isinstance(update, Connected):
            with self._news:
                self.connections[name] += 1
                self._news.notify_all()

    def _say(self, name: str, account: Account) -> Said:
        number = len(self._said)
        said = Said(name, account.user_id, str(uuid.uuid4()), f"{number} {self._padding}", time.monotonic())
        self._said.append(said)
        return said

    async def _write(self, name: str, account: Account, client: ChatClient) -> None:
        said = self._say(name, account)
        self._acknowledged(said, await client.send("lobby", said.text, cid=said.cid))

    async def _burst(self, name: str, account: Account, client: ChatClient) -> None:
        """Many in one tick, and never again: what is not acknowledged is unknown."""

        if not client.connected:
            return

        async def once(said: Said) -> None:
            try:
                ack = await client.request("send", room="lobby", cid=said.cid, text=said.text)
            except (ConnectionLost, RequestRefused):
                return
            self._acknowledged(said, ack)

        await asyncio.gather(*(once(self._say(name, account)) for _ in range(BURST)))
        await asyncio.sleep(BURST * PACE_SECONDS)

    def _acknowledged(self, said: Said, ack: dict[str, Any]) -> None:
        assert ack["cid"] == said.cid
        said.ack = Ack(ack["epoch"], ack["seq"], time.monotonic())
        with self._news:
            self.acks += 1
            self._news.notify_all()


class _Page(msgspec.Struct):
    events: list[msgspec.Raw]
    more: bool


def read_history(ws_url: str, token: str) -> list[Event]:
    """The whole log of the lobby, oldest first, paged back from its end; the bytes are those of the page."""
    events: list[Event] = []
    before = 2**53 - 1
    with ChatSocket(ws_url, token) as socket:
        socket.receive()
        more = True
        while more:
            reply = socket.command("history", room="lobby", before=before, limit=500)
            assert reply["type"] == "history", json.dumps(reply)
            page = msgspec.json.decode(socket.raw[-1], type=_Page)
            events = [Event.of(bytes(raw).decode()) for raw in page.events] + events
            more = page.more
            before = events[0].seq if events else 1
    return events


def _place(client: ChatClient) -> tuple[str, int] | None:
    at = client.position("lobby")
    return None if at is None else (at.epoch, at.seq)
