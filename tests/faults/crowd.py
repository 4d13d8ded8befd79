"""Clients that stay connected while a test injects faults, and record what they observe.

They run on an event loop in a thread of their own, so that a test reads as a sequence: kill, wait, kill, finish.
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

from cloudchat.client import Ack as ClientAck
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
from faults.observations import Ack, Event, Observations, Position, SeenGap, Send, View
from faults.recording import SocketRecording, recording_connection, segments_of
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
"""For the servers: raise the limits, which have tests of their own, so that no fault run reaches them."""
SEND_INTERVAL_SECONDS = 0.008
BURST_SENDS = 10
MAX_RECOVERY_SECONDS = 30.0


class Crowd:
    """The clients, all in the lobby. Use as a context manager.

    `writers` repeat each send until it is acknowledged, `bursters` send many in one tick and repeat none, `readers`
    only read. `others`: further accounts to spread the clients over. `options` are passed to each `ChatClient`.
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
        self.recordings: list[SocketRecording] = []
        self._sends: list[Send] = []
        self._views: dict[str, list[str | SeenGap]] = {}
        self._clients: dict[str, ChatClient] = {}
        self.connections: Counter[str] = Counter()
        """How often each client received `welcome`."""
        self.acks = 0
        self._changed = threading.Condition()
        self._stop = asyncio.Event()
        self._writers_done = threading.Event()
        self._disconnect = asyncio.Event()
        self._failures: list[BaseException] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="crowd", daemon=True)
        self._loop: asyncio.AbstractEventLoop

    # -- for the test -------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.wait_for_acks(30)
            self.wait_for_connections(1)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def wait_for_acks(self, more: int, seconds: float = 30) -> int:
        """Wait until `more` acks have been received from now on; return the number of all acks."""
        with self._changed:
            expected = self.acks + more
            is_reached = self._changed.wait_for(lambda: self.acks >= expected or self._failures, seconds)
            assert is_reached, f"{self.acks} acks, expected {expected}; {self.state()}"
            assert not self._failures, self._failures
            return self.acks

    def wait_for_connections(self, count: int) -> None:
        """Wait until every client has connected so many times."""
        with self._changed:
            is_reached = self._changed.wait_for(
                lambda: all(self.connections[name] >= count for name in self._views), 30
            )
            assert is_reached, self.state()

    def finish(self, ws_url: str | None = None) -> Observations:
        """Stop sending, wait until all clients have received the whole log, and return what they observed.

        `ws_url`: where to read the log, if the clients' server has ended.
        """
        self._loop.call_soon_threadsafe(self._stop.set)
        assert self._writers_done.wait(MAX_RECOVERY_SECONDS), f"writers wait for an ack: {self.state()}"
        account = self._accounts[0]
        deadline = time.monotonic() + MAX_RECOVERY_SECONDS
        while True:
            log = read_log(ws_url or self._ws_url, account.access_token)
            head = log[-1].position
            behind = {name: at for name, client in self._clients.items() if (at := _position(client)) != head}
            if not behind:
                break
            assert time.monotonic() < deadline, f"not recovered: the log is at {head}, clients at {behind}"
            time.sleep(0.05)
        segments = [segment for recording in list(self.recordings) for segment in segments_of(recording)]
        views: dict[str, View] = {
            name: [item if isinstance(item, SeenGap) else Event.of(item) for item in view]
            for name, view in self._views.items()
        }
        print(f"{len(self._sends)} sends, {self.acks} acks, {len(segments)} joins, {len(log)} events")
        return Observations(list(self._sends), segments, views, log)

    def state(self) -> str:
        """Return the state of all clients, for the message of a failure."""
        positions = {name: _position(client) for name, client in self._clients.items()}
        return f"positions {positions}, connections {dict(self.connections)}, failures {self._failures}"

    def _end(self) -> None:
        def disconnect() -> None:
            self._stop.set()
            self._disconnect.set()

        self._loop.call_soon_threadsafe(disconnect)
        self._thread.join(MAX_RECOVERY_SECONDS)

    # -- in the thread ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        names = [f"{kind} {number}" for kind, count in self._counts.items() for number in range(count)]
        self._active_writers = self._counts["writer"] + self._counts["burster"]
        clients = [self._run_client(name, self._accounts[i % len(self._accounts)]) for i, name in enumerate(names)]
        await asyncio.gather(*clients, return_exceptions=True)

    async def _run_client(self, name: str, account: Account) -> None:
        async def token(fresh: bool) -> str:
            return account.access_token

        self._views[name] = []
        client = ChatClient(
            self._ws_url,
            token,
            on_update=lambda update: self._on_update(name, update),
            policy=ReconnectPolicy(base_seconds=0.1, max_seconds=1),
            options={"create_connection": recording_connection(name, self.recordings), "proxy": None, **self._options},
        )
        self._clients[name] = client
        try:
            async with client:
                client.join("lobby", limit=500)
                send = {"writer": self._write, "burster": self._burst}.get(name.split()[0])
                if send is not None:
                    while not self._stop.is_set():
                        await send(name, account, client)
                        await asyncio.sleep(SEND_INTERVAL_SECONDS)
                    self._active_writers -= 1
                    if self._active_writers == 0:
                        self._writers_done.set()
                await self._disconnect.wait()
        except BaseException as error:
            with self._changed:
                self._failures.append(error)
                self._changed.notify_all()
            raise

    def _on_update(self, name: str, update: Update) -> None:
        if isinstance(update, RoomEvent):
            self._views[name].append(update.raw)
        elif isinstance(update, Gap):
            self._views[name].append(SeenGap())
        elif isinstance(update, Connected):
            with self._changed:
                self.connections[name] += 1
                self._changed.notify_all()

    def _new_send(self, name: str, account: Account) -> Send:
        number = len(self._sends)
        send = Send(name, account.user_id, str(uuid.uuid4()), f"{number} {self._padding}", time.monotonic())
        self._sends.append(send)
        return send

    async def _write(self, name: str, account: Account, client: ChatClient) -> None:
        send = self._new_send(name, account)
        self._on_ack(send, await client.send("lobby", send.text, cid=send.cid))

    async def _burst(self, name: str, account: Account, client: ChatClient) -> None:
        """Send many in one tick, and repeat none: without an ack, the outcome of a send is unknown."""
        if not client.connected:
            return

        async def send_once(send: Send) -> None:
            try:
                ack = await client.request("send", room="lobby", cid=send.cid, text=send.text)
            except (ConnectionLost, RequestRefused):
                return
            self._on_ack(send, msgspec.convert(ack, ClientAck))

        await asyncio.gather(*(send_once(self._new_send(name, account)) for _ in range(BURST_SENDS)))
        await asyncio.sleep(BURST_SENDS * SEND_INTERVAL_SECONDS)

    def _on_ack(self, send: Send, ack: ClientAck) -> None:
        assert ack.cid == send.cid
        send.ack = Ack(ack.epoch, ack.seq, time.monotonic())
        with self._changed:
            self.acks += 1
            self._changed.notify_all()


class _Page(msgspec.Struct):
    events: list[msgspec.Raw]
    more_before: bool


def read_log(ws_url: str, token: str) -> list[Event]:
    """Return the whole log of the lobby, oldest first, byte for byte, by paging back from its end."""
    events: list[Event] = []
    before = 2**53 - 1
    with ChatSocket(ws_url, token) as socket:
        socket.receive()
        more = True
        while more:
            reply = socket.command("history", room="lobby", before=before, limit=200)
            assert reply["type"] == "history", json.dumps(reply)
            page = msgspec.json.decode(socket.raw[-1], type=_Page)
            events = [Event.of(bytes(raw).decode()) for raw in page.events] + events
            more = page.more_before
            before = events[0].seq if events else 1
    return events


def _position(client: ChatClient) -> Position | None:
    position = client.position("lobby")
    return None if position is None else (position.epoch, position.seq)
