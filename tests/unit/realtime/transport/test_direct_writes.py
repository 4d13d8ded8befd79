"""When the hub may write to a socket directly: never past the transport's buffer, and never to a closed connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from cloudchat.http.http_protocol import HttpProtocol
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.transport.socket_handshake import EXTENSION
from cloudchat.realtime.transport.websocket_protocol import WebSocketProtocol

TIMEOUT_SECONDS = 10
MIB = 1 << 20

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
    return "asyncio", {"loop_factory": factory}


class Receiver:
    def __init__(self) -> None:
        self.closed_called = False

    def text_received(self, text: str) -> None: ...

    def drain(self) -> None: ...

    def closed(self) -> None:
        self.closed_called = True


class Peer:
    """A client's socket, and the `WebSocketProtocol` on the other side of the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: WebSocketProtocol) -> None:
        self.reader, self.writer, self.server = reader, writer, server

    async def read(self, size: int) -> bytes:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self.reader.readexactly(size)


@asynccontextmanager
async def attached(**settings: Any) -> AsyncIterator[Peer]:
    """Open a real connection with a completed handshake and an attached receiver."""
    opened: asyncio.Future[WebSocketProtocol] = asyncio.get_running_loop().create_future()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        server: WebSocketProtocol = scope["extensions"][EXTENSION]
        server.attach(Receiver())
        opened.set_result(server)

    options = {"ws_ping_interval": None, "ws_per_message_deflate": False, **settings}
    config = Config(
        app, proxy_headers=False, lifespan="off", log_config=None, http=HttpProtocol, ws=WebSocketProtocol, **options
    )
    config.load()
    loop = asyncio.get_running_loop()

    def protocol() -> HttpProtocol:
        return HttpProtocol(config=config, server_state=ServerState(), app_state={})

    listener = await loop.create_server(protocol, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    client = ClientProtocol(parse_uri("ws://localhost/ws"))
    client.send_request(client.connect())
    writer.write(b"".join(client.data_to_send()))
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await reader.readuntil(b"\r\n\r\n")
            server = await opened
        yield Peer(reader, writer, server)
    finally:
        writer.transport.abort()
        listener.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():  # noqa: ASYNC110 (neither transport nor protocol has an event for it)
            await asyncio.sleep(0.001)


def is_open(server: WebSocketProtocol) -> bool:
    return server.direct.fileno() >= 0


def fill_kernel_buffer(server: WebSocketProtocol) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            server.direct.send(b"x" * 65536)


async def test_attached_socket_is_written_to_directly() -> None:
    async with attached() as peer:
        assert peer.server.direct.send(b"direct") == 6
        assert await peer.read(6) == b"direct"


async def test_nothing_is_written_past_the_buffer_of_the_transport() -> None:
    async with attached() as peer:
        server = peer.server
        server.send_buffer_bytes = 64 * MIB
        server.push(b"a" * 16 * MIB)
        assert server.transport.get_write_buffer_size() > 0
        with pytest.raises(OSError, match="Bad file descriptor"):
            server.direct.send(b"too early")
        server.push(b"b")
        assert await peer.read(16 * MIB) == b"a" * 16 * MIB
        await until(lambda: is_open(server))
        assert server.transport.get_write_buffer_size() == 0
        assert server.direct.send(b"c") == 1
        assert await peer.read(2) == b"bc"


async def test_one_buffered_byte_stops_direct_writes() -> None:
    """The transport's own limits (64 KiB) would let direct writes overtake the bytes in its buffer."""
    async with attached() as peer:
        server = peer.server
        fill_kernel_buffer(server)
        server.push(b"y")
        assert not is_open(server)


async def test_paused_socket_does_not_pause_others() -> None:
    async with attached() as slow, attached() as other:
        fill_kernel_buffer(slow.server)
        slow.server.push(b"y")
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await other.server.wait_writable()
        waiting = asyncio.create_task(slow.server.wait_writable())
        await asyncio.sleep(0)
        assert not waiting.done()
        slow.writer.transport.abort()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await waiting


async def test_pings_of_the_server_go_through_the_same_buffer() -> None:
    async with attached(ws_ping_interval=60, ws_ping_timeout=60) as peer:
        server = peer.server
        fill_kernel_buffer(server)
        server.send_keepalive_ping()
        assert server.transport.get_write_buffer_size() > 0
        assert not is_open(server)


@pytest.mark.parametrize("by_peer", [True, False])
async def test_lost_connection_is_not_written_to(by_peer: bool) -> None:
    """Its descriptor's number may soon be that of another connection."""
    async with attached() as peer:
        server = peer.server
        if by_peer:
            peer.writer.transport.abort()
        else:
            server.transport.abort()
        await until(lambda: server.disconnected)
        assert not is_open(server)
        with pytest.raises(OSError, match="Bad file descriptor"):
            server.direct.send(b"of another connection")


async def test_no_frame_follows_a_close_frame() -> None:
    closes: list[Callable[[WebSocketProtocol], object]] = [
        lambda server: server.close(CloseCode.REPLACED),
        lambda server: server.keepalive_timeout(),
        lambda server: server.data_received(Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True)),
        lambda server: server.data_received(b"\xff\xff"),
    ]
    for close in closes:
        async with attached() as peer:
            close(peer.server)
            assert not is_open(peer.server)
            peer.server.resume_writing()
            assert not is_open(peer.server)
