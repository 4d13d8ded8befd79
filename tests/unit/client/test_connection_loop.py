import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from cloudchat.client import connection_loop
from cloudchat.client.chat_protocol import ChatProtocol
from cloudchat.client.close_rules import Reaction
from cloudchat.client.connection_loop import ConnectionLoop
from cloudchat.client.errors import SignInNeeded
from cloudchat.client.outbox import PendingSend
from cloudchat.client.reconnect_policy import ReconnectPolicy
from cloudchat.client.socket import NotOpened
from cloudchat.client.updates import Connected, Disconnected, Update
from unit.client.frames import WELCOME
from unit.client.scripted_socket import ScriptedSocket

pytestmark = pytest.mark.anyio


class Server:
    """Opens a socket to whom it believes."""

    def __init__(self, patch: pytest.MonkeyPatch, believed: str, socket: ScriptedSocket) -> None:
        patch.setattr(connection_loop, "open_socket", self._open)
        self.believed = believed
        self.tried: list[str] = []
        self._socket = socket

    async def _open(self, url: str, token: str, options: object) -> ScriptedSocket:
        self.tried.append(token)
        if token != self.believed:
            raise NotOpened("refused with HTTP status 401", Reaction.REFRESH, None, 401)
        return self._socket


async def connect(
    token: Callable[[bool], Awaitable[str]], until: type[Update], protocol: ChatProtocol | None = None
) -> list[Update]:
    """Run until an update of that kind, and return all up to it, or until it gives up."""
    updates: list[Update] = []
    done = asyncio.Event()

    def deliver(update: Update) -> None:
        updates.append(update)
        if isinstance(update, until):
            done.set()

    policy = ReconnectPolicy(rand=lambda: 0.0)
    running = asyncio.create_task(
        ConnectionLoop("ws://x", token, protocol or ChatProtocol(), policy, {}, deliver).run(), name="connecting"
    )
    running.add_done_callback(lambda _: done.set())
    async with asyncio.timeout(10):
        await done.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return updates


async def test_a_refresh_that_cannot_be_had_for_a_moment_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, "new", ScriptedSocket(WELCOME))
    asked: list[bool] = []

    async def token(fresh: bool) -> str:
        asked.append(fresh)
        if asked == [False, True]:
            raise ConnectionRefusedError("the server restarts")
        return "new" if fresh else "old"

    await connect(token, Connected)
    assert asked == [False, True, True]
    assert server.tried == ["old", "new"]


async def test_a_fresh_token_that_is_refused_too_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, "none", ScriptedSocket())

    async def token(fresh: bool) -> str:
        return "new" if fresh else "old"

    with pytest.raises(SignInNeeded):
        await connect(token, Connected)
    assert server.tried == ["old", "new"]


async def test_a_server_that_takes_nothing_and_is_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf(ScriptedSocket):
        async def send(self, text: str) -> None:
            await asyncio.Event().wait()

    Server(monkeypatch, "t", Deaf({**WELCOME, "heartbeat_seconds": 0.05}))
    protocol = ChatProtocol()
    protocol.write(PendingSend("lobby", "a", {"type": "send"}, lambda _: None))

    async def token(fresh: bool) -> str:
        return "t"

    assert [type(update) for update in await connect(token, Disconnected, protocol)] == [Connected, Disconnected]
