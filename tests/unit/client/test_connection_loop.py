import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from cloudchat.client import connection_loop
from cloudchat.client.connection_loop import ConnectionLoop
from cloudchat.client.errors import SignInRequired
from cloudchat.client.protocol.chat_protocol import ChatProtocol
from cloudchat.client.protocol.outbox import PendingCommand
from cloudchat.client.protocol.reconnect_policy import ReconnectPolicy
from cloudchat.client.protocol.updates import Connected, Disconnected, Update
from cloudchat.client.socket import OpenFailed
from cloudchat.protocol.close_codes import Recovery
from unit.client.frames import WELCOME
from unit.client.scripted_socket import ScriptedSocket

pytestmark = pytest.mark.anyio


class Server:
    """Opens `socket` for the one token that it accepts, and refuses all others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, accepted: str, socket: ScriptedSocket) -> None:
        monkeypatch.setattr(connection_loop, "open_socket", self._open)
        self._accepted = accepted
        self.tokens: list[str] = []
        self._socket = socket

    async def _open(self, url: str, token: str, options: object) -> ScriptedSocket:
        self.tokens.append(token)
        if token != self._accepted:
            raise OpenFailed("refused with HTTP status 401", Recovery.REFRESH, None, 401)
        return self._socket


async def connect(
    token: Callable[[bool], Awaitable[str]], until: type[Update], protocol: ChatProtocol | None = None
) -> list[Update]:
    """Run a connection loop until it delivers an update of this type or ends. Return all updates."""
    updates: list[Update] = []
    done = asyncio.Event()

    def deliver(update: Update) -> None:
        updates.append(update)
        if isinstance(update, until):
            done.set()

    policy = ReconnectPolicy(rand=lambda: 0.0)
    running = asyncio.create_task(
        ConnectionLoop("ws://x", token, protocol or ChatProtocol(), policy, {}, deliver).run(), name="connection loop"
    )
    running.add_done_callback(lambda _: done.set())
    async with asyncio.timeout(10):
        await done.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return updates


async def test_a_refresh_that_fails_with_an_oserror_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, "new", ScriptedSocket(WELCOME))
    calls: list[bool] = []

    async def token(fresh: bool) -> str:
        calls.append(fresh)
        if calls == [False, True]:
            raise ConnectionRefusedError("the server restarts")
        return "new" if fresh else "old"

    await connect(token, Connected)
    assert calls == [False, True, True]
    assert server.tokens == ["old", "new"]


async def test_sign_in_is_required_when_a_fresh_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, "none", ScriptedSocket())

    async def token(fresh: bool) -> str:
        return "new" if fresh else "old"

    with pytest.raises(SignInRequired):
        await connect(token, Connected)
    assert server.tokens == ["old", "new"]


async def test_the_loop_disconnects_from_a_silent_server_that_accepts_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    class StalledSocket(ScriptedSocket):
        async def send(self, text: str) -> None:
            await asyncio.Event().wait()

    Server(monkeypatch, "t", StalledSocket({**WELCOME, "heartbeat_seconds": 0.05}))
    protocol = ChatProtocol()
    protocol.send(PendingCommand("lobby", "a", {"type": "send"}, lambda _: None))

    async def token(fresh: bool) -> str:
        return "t"

    assert [type(update) for update in await connect(token, Disconnected, protocol)] == [Connected, Disconnected]
