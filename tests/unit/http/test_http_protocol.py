"""Slow readers and the shutdown. The other bounds are attacked in tests/integration/socket_layer."""

import asyncio
import socket

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server

from cloudchat.http import http_protocol

LARGE = 16 << 20  # more than the kernel buffers on both sides
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def respond_large(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % LARGE)]})
    await send({"type": "http.response.body", "body": bytes(LARGE)})


async def test_a_client_that_stops_reading_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "STALL_TIMEOUT_SECONDS", 0.2)
    server = Server(Config(respond_large, http=http_protocol.HttpProtocol, lifespan="off", timeout_keep_alive=0))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server._serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readline(), 5)
        async with asyncio.timeout(10):
            while server.server_state.connections:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.02)
        writer.close()
        server.should_exit = True
        await running


async def respond_small(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


async def response_at_shutdown(request: bytes) -> bytes:
    """Connect, start the shutdown, then send `request`. Return what the client receives."""
    server = Server(Config(respond_small, http=http_protocol.HttpProtocol, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server._serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        async with asyncio.timeout(10):
            while not server.server_state.connections:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.01)
            server.should_exit = True
            while listener.fileno() != -1:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            writer.write(request)
            response = await reader.read()
            await running
        writer.close()
    return response


async def test_a_first_request_during_shutdown_is_answered() -> None:
    response = await response_at_shutdown(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in response


async def test_a_connection_without_a_request_does_not_delay_the_shutdown() -> None:
    assert await response_at_shutdown(b"") == b""


async def test_a_websocket_upgrade_during_shutdown_is_rejected_with_503() -> None:
    response = await response_at_shutdown(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert response.startswith(b"HTTP/1.1 503")
    assert b'"retryable": true' in response
    assert b'"retry_after_ms": 1000' in response
    assert b"Retry-After: 1\r\n" in response
