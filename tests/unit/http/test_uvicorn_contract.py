"""What `HttpProtocol` relies on in uvicorn's private HttpToolsProtocol: one test per line of its module docstring.

A failure here means that uvicorn changed. Read the docstring of cloudchat/http/http_protocol.py, and adapt the class.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

pytestmark = pytest.mark.anyio
REQUEST = b"GET /path HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class FakeTransport(asyncio.Transport):
    """Records the written bytes and the protocol of `set_protocol`."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.protocol: object = None

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol


class OtherProtocol(asyncio.Protocol):
    """A replacement for the WebSocket protocol."""

    def __init__(self, **_: object) -> None:
        pass


class RecordingProtocol(HttpToolsProtocol):
    """uvicorn's class. Records the calls of the methods that HttpProtocol overrides."""

    raise_in_header = False
    upgrade = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calls: list[str] = []
        self.keep_alive_ended = asyncio.Event()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if self.raise_in_header:
            raise ValueError

    def _should_upgrade(self) -> bool:
        self.calls.append(f"should_upgrade {self.scope['method']}")
        return self.upgrade

    def _unsupported_upgrade_warning(self) -> None:
        self.calls.append("unsupported_upgrade")

    def send_400_response(self, msg: str) -> None:
        self.calls.append("400")

    def timeout_keep_alive_handler(self) -> None:
        self.keep_alive_ended.set()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/slow":
        await asyncio.Event().wait()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def connection() -> AsyncIterator[RecordingProtocol]:
    config = Config(application, http=RecordingProtocol, ws=cast(Any, OtherProtocol), timeout_keep_alive=0)
    state = ServerState()
    protocol = RecordingProtocol(config=config, server_state=state, app_state={}, _loop=asyncio.get_running_loop())
    protocol.connection_made(FakeTransport())
    yield protocol
    for task in state.tasks.copy():
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)


async def respond(connection: RecordingProtocol) -> None:
    """Let the application's tasks run to their end."""
    await asyncio.gather(*connection.tasks)


def transport_of(connection: RecordingProtocol) -> FakeTransport:
    transport = connection.transport
    assert isinstance(transport, FakeTransport)
    return transport


async def test_keep_alive_timer_is_set_between_requests_only(connection: RecordingProtocol) -> None:
    assert connection.timeout_keep_alive_task is None, "uvicorn sets timeout_keep_alive_task before the first request"
    connection.data_received(REQUEST)
    await respond(connection)
    assert connection.timeout_keep_alive_task is not None, "uvicorn no longer sets timeout_keep_alive_task"
    connection.data_received(b"\r\n")
    assert connection.timeout_keep_alive_task is None, "uvicorn's data_received no longer cancels the keep-alive timer"


async def test_keep_alive_timer_calls_the_handler(connection: RecordingProtocol) -> None:
    connection.data_received(REQUEST)
    await respond(connection)
    try:
        await asyncio.wait_for(connection.keep_alive_ended.wait(), 5)
    except TimeoutError:
        pytest.fail("uvicorn's keep-alive timer no longer calls timeout_keep_alive_handler")


async def test_exception_in_a_callback_calls_send_400_response_once(connection: RecordingProtocol) -> None:
    connection.raise_in_header = True
    connection.data_received(REQUEST.replace(b"Host", b"A: b\r\nHost"))
    assert connection.calls == ["400"], "uvicorn handles an exception in a parser callback differently"
    assert connection.cycle is None, "the parser continued after an exception in a callback"


async def test_invalid_request_calls_send_400_response_once(connection: RecordingProtocol) -> None:
    connection.data_received(b"hello\r\n\r\n")
    assert connection.calls == ["400"], "uvicorn handles an invalid request differently"


async def test_url_and_headers_accumulate_and_start_empty(connection: RecordingProtocol) -> None:
    for part in (b"GET /a", b"bc HTTP/1.1\r\nHost: x\r\n", b"B: c\r\n"):
        connection.data_received(part)
    assert connection.url == b"/abc", "uvicorn no longer collects the parts of the URL in `url`"
    connection.data_received(b"\r\n")
    assert connection.headers == [(b"host", b"x"), (b"b", b"c")], "uvicorn no longer collects headers in `headers`"
    await respond(connection)
    connection.data_received(b"GET /d")
    connection.data_received(b"e HTTP/1.1\r\n")
    assert (connection.url, connection.headers) == (b"/de", []), "on_message_begin no longer resets url and headers"


async def test_cycle_is_the_latest_request(connection: RecordingProtocol) -> None:
    assert connection.cycle is None, "uvicorn sets `cycle` before the first request"
    connection.data_received(REQUEST)
    assert connection.cycle.response_complete is False
    await respond(connection)
    assert connection.cycle.response_complete is True, "`cycle.response_complete` is no longer set at the end"


async def test_keep_alive_false_closes_after_the_response(connection: RecordingProtocol) -> None:
    connection.data_received(REQUEST)
    connection.cycle.keep_alive = False
    await respond(connection)
    transport = transport_of(connection)
    assert b"connection: close" in transport.written, "`cycle.keep_alive` no longer controls the Connection header"
    assert transport.closed, "`cycle.keep_alive` no longer closes the connection"


async def test_pipelined_request_waits_in_pipeline_with_reading_paused(connection: RecordingProtocol) -> None:
    connection.data_received(REQUEST.replace(b"/path", b"/slow"))
    assert not connection.flow.read_paused
    connection.data_received(REQUEST)
    assert len(connection.pipeline) == 1, "uvicorn no longer queues pipelined requests in `pipeline`"
    assert connection.flow.read_paused, "uvicorn no longer pauses reading while a pipelined request waits"


async def test_upgrade_hands_the_transport_to_another_protocol(connection: RecordingProtocol) -> None:
    connection.data_received(UPGRADE)
    assert set(connection.calls) == {"should_upgrade GET"}, "uvicorn no longer calls _should_upgrade with a method set"
    protocol = transport_of(connection).protocol
    assert isinstance(protocol, OtherProtocol), "handle_websocket_upgrade no longer calls transport.set_protocol"


async def test_rejected_upgrade_is_answered_as_a_normal_request(connection: RecordingProtocol) -> None:
    connection.upgrade = False
    connection.data_received(UPGRADE)
    await respond(connection)
    assert "unsupported_upgrade" in connection.calls, "uvicorn no longer calls _unsupported_upgrade_warning"
    assert transport_of(connection).written.startswith(b"HTTP/1.1 200"), "a rejected upgrade is no longer answered"


async def test_server_shutdown_calls_shutdown_of_each_connection() -> None:
    shut_down: list[str] = []

    class Connection(HttpToolsProtocol):
        def shutdown(self) -> None:
            shut_down.append("shutdown")
            super().shutdown()

    server = Server(Config(application, http=Connection, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server._serve(sockets=[listener]))
        _, writer = await asyncio.open_connection(*listener.getsockname())
        async with asyncio.timeout(10):
            while not server.server_state.connections:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.01)
            server.should_exit = True
            await running
        writer.close()
    assert shut_down == ["shutdown"], "uvicorn's Server.shutdown no longer calls the connection's shutdown once"
