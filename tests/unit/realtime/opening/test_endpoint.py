"""`/ws` without a network: what a handshake is answered, and that a rejected one keeps no slot."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from cloudchat.auth.errors import AccountDisabled, AccountError, BadToken
from cloudchat.auth.principal import CHAT_READ, CHAT_WRITE, Principal
from cloudchat.auth.sessions.revocations import Revocations
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.process.supervision import Supervisor
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.feeds.relay import Relay
from cloudchat.realtime.hub import Hub, RunningLoop
from cloudchat.realtime.opening import endpoint
from cloudchat.realtime.opening.endpoint import ANSWER_SECONDS, SocketEndpoint
from cloudchat.realtime.opening.handshake_queue import MAX_WAIT_SECONDS
from cloudchat.realtime.opening.session_directory import ChatSession, SessionDirectory
from cloudchat.realtime.revocation_sweep import RevocationSweep
from cloudchat.realtime.socket_stats import SocketStats
from cloudchat.realtime.transport.socket_handshake import EXTENSION, HANDSHAKE_TIMEOUT_SECONDS
from cloudchat.rooms.summaries.summary import RoomSummary
from cloudchat.settings import Settings
from unit.realtime.fakes import FakeHandler, FakeLimits
from unit.realtime.room_state import no_departures, unchanged_rooms
from unit.realtime.scripted_log import ScriptedLog

pytestmark = pytest.mark.anyio

ROOM = RoomSummary("lobby", "lobby", "public", 2)


class FakeSocket:
    """The socket in the scope's extensions."""

    def __init__(self) -> None:
        self.close_code = 1006
        self.disconnected = False
        self.subprotocol: str | None = None
        self.frames: list[bytes] = []
        self.receiver: Connection | None = None

    def accept(self, subprotocol: str | None, frames: bytes = b"") -> None:
        self.subprotocol = subprotocol
        self.push(frames)

    def push(self, frames: bytes, *, ephemeral: bool = False) -> None:
        self.frames.append(frames)

    def attach(self, receiver: Connection) -> None:
        self.receiver = receiver

    def close(self, code: CloseCode) -> None:
        self.close_code = int(code)


class World:
    """An endpoint with a user `ann` in the lobby; `problem` is raised when her token is checked."""

    def __init__(self) -> None:
        self.limits, self.log, self.stats, self.socket = FakeLimits(), ScriptedLog(), SocketStats(), FakeSocket()
        self.problem: Exception | None = None
        self.scopes = frozenset({CHAT_READ, CHAT_WRITE})
        self.sent: list[dict[str, Any]] = []
        self.on_read: Callable[[], None] = lambda: None
        self.is_readable = asyncio.Event()
        self.is_readable.set()
        hub = Hub(RunningLoop(), self.log)
        relay = Relay(self.log, hub, no_departures(hub), Supervisor().spawn)
        rooms = unchanged_rooms(hub, relay)
        self.reads: list[list[str]] = []
        self.revoked: set[str] = set()
        sweep = RevocationSweep(self.revocations_since, self.limits.registry)
        sessions = SessionDirectory(self.read_sessions, sweep)
        self.endpoint = SocketEndpoint(
            Settings(), sessions, self.limits.control, relay, rooms, FakeHandler(), self.stats
        )

    async def read_sessions(self, tokens: Sequence[str]) -> Mapping[str, ChatSession | AccountError]:
        self.reads.append(list(tokens))
        self.on_read()
        await self.is_readable.wait()
        if isinstance(self.problem, AccountError):
            return dict.fromkeys(tokens, self.problem)
        if self.problem is not None:
            raise self.problem
        principal = Principal("u1", "ann", "member", self.scopes, "s1", 4_000_000_000.0, "access", key_id="k")
        return dict.fromkeys(tokens, ChatSession(principal, {"lobby": ROOM}))

    async def revocations_since(self, since: float) -> Revocations:
        return Revocations(frozenset(self.revoked), frozenset(), {}, frozenset({"k"}))

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def receive(self) -> Any:
        raise AssertionError("the endpoint reads no ASGI messages")

    async def handshake(self, *, browser: bool = False) -> list[dict[str, Any]]:
        """Make a handshake. Returns the ASGI messages that answer it."""
        scope = {
            "type": "websocket",
            "client": ("192.0.2.1", 5),
            "headers": [] if browser else [(b"authorization", b"Bearer abc")],
            "subprotocols": ["cloudchat.v1", *(["cloudchat.token.abc"] if browser else [])],
            "extensions": {EXTENSION: self.socket},
        }
        await self.endpoint(scope, self.receive, self.send)
        return self.sent

    async def rejection(self) -> tuple[int, str]:
        """Make a handshake that is rejected. Returns the status and the error code."""
        start, body = await self.handshake()
        assert self.limits.slots == (0, 0, 0)
        assert self.socket.receiver is None
        return start["status"], json.loads(body["body"])["error"]["code"]


@pytest.fixture
def world() -> World:
    return World()


async def test_accepted_handshake_sends_welcome_and_attaches_a_connection(world: World) -> None:
    world.log.append_events(3)
    assert await world.handshake() == []
    assert world.socket.subprotocol == "cloudchat.v1"
    connection = world.socket.receiver
    assert connection is not None
    (frame,) = world.socket.frames
    welcome = json.loads(frame[frame.index(b"{") :])
    assert (welcome["type"], welcome["session"], welcome["user"]["name"]) == ("welcome", connection.id, "ann")
    (room,) = welcome["rooms"]
    assert room == {
        "id": "lobby",
        "kind": "public",
        "name": "lobby",
        "topic": "",
        "role": "member",
        "archived": False,
        "muted": False,
        "slow_mode_seconds": 0,
        "epoch": "e1",
        "seq": 3,
        "read": 2,
    }
    assert world.stats.handshakes == {"accepted": 1}
    assert world.limits.slots == (1, 1, 1)
    connection.closed()
    assert world.limits.slots == (0, 0, 0)


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (BadToken(), 401, "unauthenticated"),
        (AccountDisabled(), 403, "forbidden"),
        (DatabaseUnavailable(), 503, "unavailable"),
    ],
)
async def test_token_that_cannot_be_accepted_is_rejected(
    world: World, problem: Exception, status: int, code: str
) -> None:
    world.problem = problem
    assert await world.rejection() == (status, code)


@pytest.mark.parametrize(("problem", "close_code"), [(BadToken(), 4401), (AccountDisabled(), 4403)])
async def test_browser_gets_a_close_code_for_its_token(world: World, problem: Exception, close_code: int) -> None:
    world.problem = problem
    accept, close = await world.handshake(browser=True)
    assert (accept["type"], close["type"], close["code"]) == ("websocket.accept", "websocket.close", close_code)
    assert world.limits.slots == (0, 0, 0)


async def test_browser_gets_the_reason_when_the_database_is_unavailable(world: World) -> None:
    world.problem = DatabaseUnavailable()
    _, frame, close = await world.handshake(browser=True)
    assert "database" in json.loads(frame["text"])["message"]
    assert close["code"] == 4503


async def test_handshake_is_rejected_in_time_while_a_read_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "ANSWER_SECONDS", 0.01)
    world.is_readable.clear()
    assert await world.rejection() == (503, "unavailable")
    assert MAX_WAIT_SECONDS < ANSWER_SECONDS < HANDSHAKE_TIMEOUT_SECONDS


async def test_token_without_the_read_scope_is_rejected(world: World) -> None:
    world.scopes = frozenset({CHAT_WRITE})
    assert await world.rejection() == (403, "forbidden")


async def test_handshake_without_the_store_is_rejected(world: World) -> None:
    world.log.unavailable = True
    assert await world.rejection() == (503, "unavailable")


async def test_limits_are_checked_before_the_token(world: World) -> None:
    world.problem = LookupError("the token must not be checked")
    world.limits.cluster_limit.address_wait = 5
    assert await world.rejection() == (429, "rate_limited")


async def test_user_limit_is_checked_before_the_store_is_read(world: World) -> None:
    world.limits.cluster_limit.user_wait = 5
    assert await world.rejection() == (429, "rate_limited")
    assert world.log.reads == []


async def test_known_session_opens_again_with_one_count_and_without_reading_its_rows(world: World) -> None:
    await world.handshake()
    world.limits.cluster_limit.counted.clear()
    await world.handshake()
    assert world.limits.cluster_limit.counted == [["address", "user"]]
    assert world.reads == [["abc"]]


async def test_session_that_was_revoked_since_it_was_read_is_read_again(world: World) -> None:
    await world.handshake()
    world.sent.clear()
    world.socket.receiver = None
    world.revoked.add("s1")
    world.problem = BadToken()
    start, _ = await world.handshake()
    assert start["status"] == 401
    assert world.socket.receiver is None
    assert world.socket.close_code == CloseCode.TOKEN_INVALID  # that of the first handshake
    assert world.limits.slots == (1, 1, 1)


async def test_client_that_leaves_during_the_handshake_keeps_no_slot(world: World) -> None:
    def leave() -> None:
        world.socket.disconnected = True

    world.on_read = leave
    await world.handshake()
    assert (world.socket.subprotocol, world.socket.receiver) == (None, None)
    assert world.limits.slots == (0, 0, 0)
