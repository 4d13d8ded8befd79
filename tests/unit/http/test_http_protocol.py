"""Who asks and then does not read the answer is cut. The other bounds are attacked in integration/socket_layer."""

import asyncio
import socket

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server

from cloudchat.http import http_protocol

LARGE = 16 << 20  # more than the kernel takes on both sides
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % LARGE)]})
    await send({"type": "http.response.body", "body": bytes(LARGE)})


async def test_a_reader_that_stalls_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "STALL_SECONDS", 0.2)
    server = Server(Config(answer, http=http_protocol.HttpProtocol, lifespan="off", timeout_keep_alive=0))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server._serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readline(), 5)
        async with asyncio.timeout(10):
            while server.server_state.connections:  # noqa: ASYNC110 (uvicorn tells nobody)
                await asyncio.sleep(0.02)
        writer.close()
        server.should_exit = True
        await running


async def greet(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


async def end_while_connected(request: bytes) -> bytes:
    """What somebody hears who had connected, and not asked yet, when the server was told to end."""
    server = Server(Config(greet, http=http_protocol.HttpProtocol, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server._serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        async with asyncio.timeout(10):
            while not server.server_state.connections:  # noqa: ASYNC110 (uvicorn tells nobody)
                await asyncio.sleep(0.01)
            server.should_exit = True
            while listener.fileno() != -1:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            writer.write(request)
            heard = await reader.read()
            await running
        writer.close()
    return heard


async def test_who_had_just_connected_is_answered_before_the_end() -> None:
    heard = await end_while_connected(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in heard


async def test_who_never_asks_does_not_hold_up_the_end() -> None:
    assert await end_while_connected(b"") == b""


async def test_no_socket_is_opened_at_the_end() -> None:
    heard = await end_while_connected(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert heard.startswith(b"HTTP/1.1 503")
    assert b'"retryable": true' in heard
    assert b'"retry_after_ms": 1000' in heard
    assert b"Retry-After: 1\r\n" in heard
