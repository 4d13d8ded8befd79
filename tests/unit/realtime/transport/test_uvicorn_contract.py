"""The contract between uvicorn and `WebSocketProtocol`: one test for each behaviour that its module relies on.

uvicorn's `WebSocketsSansIOProtocol` is a private class. When a test here fails after an update of uvicorn or
websockets, read its message, and adapt the method of `WebSocketProtocol` that it names.

Most tests drive uvicorn's own class, in a subclass that records which of the overridden methods is called. The last
ones drive `WebSocketProtocol` itself.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from cloudchat.http.http_protocol import HttpProtocol
from cloudchat.http.websocket_upgrade import UpgradeRequest, accept_key_of
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.transport.socket_handshake import EXTENSION
from cloudchat.realtime.transport.websocket_protocol import WebSocketProtocol

pytestmark = pytest.mark.anyio

App = Callable[[Scope, Receive, Send], Awaitable[None]]
TIMEOUT_SECONDS = 10


class FakeTransport(asyncio.Transport):
    """Records what is written and how the connection ends."""

    def __init__(self) -> None:
        super().__init__(extra={"peername": ("192.0.2.1", 5), "sockname": ("192.0.2.2", 80), "ssl_object": object()})
        self.written = b""
        self.closing = self.aborted = self.reading_paused = False
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading_paused = True

    def resume_reading(self) -> None:
        self.reading_paused = False

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


class Recorder(WebSocketsSansIOProtocol):
    """uvicorn's class. Records the calls of the methods that `WebSocketProtocol` overrides, with their arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.timed_out = asyncio.Event()

    def record(self, method: str, *arguments: Any) -> None:
        self.calls.append((method, arguments))

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def handle_connect(self, event: Request) -> None:
        self.record("handle_connect", event)
        super().handle_connect(event)

    def handle_cont(self, event: Frame) -> None:
        self.record("handle_cont", event)
        super().handle_cont(event)

    def handle_bytes(self, event: Frame) -> None:
        self.record("handle_bytes", event)
        super().handle_bytes(event)

    def handle_ping(self) -> None:
        self.record("handle_ping")
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        self.record("handle_pong", event)
        super().handle_pong(event)

    def handle_close(self, event: Frame) -> None:
        self.record("handle_close", event)
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        self.record("handle_parser_exception")
        super().handle_parser_exception()

    def send_receive_event_to_app(self) -> None:
        self.record("send_receive_event_to_app", list(self.frames))
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        self.record("keepalive_timeout")
        super().keepalive_timeout()
        self.timed_out.set()

    def shutdown(self) -> None:
        self.record("shutdown")
        super().shutdown()

    async def run_asgi(self) -> None:
        self.record("run_asgi")
        await super().run_asgi()


async def accept_and_wait(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept the handshake, and end when the test's event loop does."""
    await send({"type": "websocket.accept"})
    await asyncio.Event().wait()


CLIENT, SERVER = ("192.0.2.1", 5), ("192.0.2.2", 80)


def upgrade_request(request: bytes) -> UpgradeRequest:
    """Return a request as the HTTP protocol passes it on."""
    line, *lines = request.removesuffix(b"\r\n\r\n").split(b"\r\n")
    headers = [(name.lower(), value.lstrip()) for name, _, value in (header.partition(b":") for header in lines)]
    return UpgradeRequest(line.split()[1], headers, accept_key_of(headers), "ws", CLIENT, SERVER)


class Peer:
    """A server protocol, its fake transport, and a client that speaks to it."""

    def __init__(
        self, app: App = accept_and_wait, protocol_class: type[WebSocketsSansIOProtocol] = Recorder, **settings: Any
    ) -> None:
        options = {"ws_ping_interval": None, "ws_per_message_deflate": False, **settings}
        self.config = Config(app, proxy_headers=False, lifespan="off", log_config=None, ws=protocol_class, **options)
        self.config.load()
        self.state = ServerState()
        self.transport = FakeTransport()
        self.client = ClientProtocol(parse_uri("ws://localhost/ws"))
        self.protocol = protocol_class(config=self.config, server_state=self.state, app_state={})
        if not isinstance(self.protocol, WebSocketProtocol):
            self.protocol.connection_made(self.transport)

    @property
    def recorder(self) -> Recorder:
        return cast(Recorder, self.protocol)

    @property
    def socket(self) -> WebSocketProtocol:
        return cast(WebSocketProtocol, self.protocol)

    def request(self) -> bytes:
        """Return the bytes of an upgrade request."""
        self.client.send_request(self.client.connect())
        return b"".join(self.client.data_to_send())

    def start(self) -> None:
        """Start the handshake."""
        if isinstance(self.protocol, WebSocketProtocol):
            self.protocol.take_over(self.transport, upgrade_request(self.request()))
        else:
            self.protocol.data_received(self.request())

    async def open(self) -> "Peer":
        """Complete the handshake."""
        self.start()
        return await self.accepted()

    async def accepted(self) -> "Peer":
        """Wait until the handshake that was started is complete."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not self.protocol.handshake_complete:  # noqa: ASYNC110 (uvicorn offers no event)
                await asyncio.sleep(0)
        response, *_ = self.received()
        assert isinstance(response, Response)
        assert response.status_code == 101
        self.recorder_calls().clear()
        return self

    def recorder_calls(self) -> list[tuple[str, tuple[Any, ...]]]:
        return self.protocol.calls if isinstance(self.protocol, Recorder) else []

    def send(self, *frames: Frame) -> None:
        """Let the client send frames, in one call of `data_received`."""
        self.protocol.data_received(b"".join(frame.serialize(mask=True) for frame in frames))

    def received(self) -> list[Any]:
        """Return the events that the client parses from all bytes written since the last call."""
        written, self.transport.written = self.transport.written, b""
        self.client.receive_data(written)
        return self.client.events_received()

    def received_frames(self) -> list[tuple[Opcode, bytes]]:
        return [(frame.opcode, bytes(frame.data)) for frame in self.received() if isinstance(frame, Frame)]


@pytest.fixture
async def peer() -> Peer:
    return await Peer().open()


TEXT = Frame(Opcode.TEXT, b"{}")
PING = Frame(Opcode.PING, b"p")
CLOSE = Frame(Opcode.CLOSE, (1000).to_bytes(2, "big"))


# -- construction and life cycle --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "extra",
    [b"", b"sec-websocket-protocol: a, b\r\n", b"x-name:  caf\xe9 \r\n", b"origin: http://x\r\na: 1\r\na: 2\r\n"],
)
@pytest.mark.parametrize("path", [b"/ws", b"/w%20s?a=%20b"])
async def test_handshake_is_the_one_of_uvicorn(extra: bytes, path: bytes) -> None:
    uvicorns, ours = Peer(), Peer(protocol_class=WebSocketProtocol)
    line, *headers = (
        uvicorns.request().replace(b"/ws", path, 1).replace(b"\r\n\r\n", b"\r\n" + extra + b"\r\n").split(b"\r\n")
    )
    lower_case = [name.lower() + colon + value for name, colon, value in (header.partition(b":") for header in headers)]
    request = b"\r\n".join([line, *lower_case])
    uvicorns.protocol.data_received(request)
    ours.socket.take_over(ours.transport, upgrade_request(request))
    scopes: list[dict[str, Any]] = [dict(peer.protocol.scope) for peer in (uvicorns, ours)]
    assert scopes[1] == {**scopes[0], "extensions": {**scopes[0]["extensions"], EXTENSION: ours.protocol}}
    await asyncio.wait([*uvicorns.state.tasks, *ours.state.tasks], timeout=0)
    responses = [sorted(peer.transport.written.split(b"\r\n")) for peer in (uvicorns, ours)]
    assert responses[0] == responses[1]


async def test_frames_are_parsed_after_the_handshake() -> None:
    peer, receiver = await attached()
    peer.send(TEXT)
    assert receiver.events == ["{}"], "Protocol.parse no longer parses the frames after a handshake"


async def test_keepalive_replaces_the_timeout_of_the_handshake() -> None:
    peer = Peer(protocol_class=WebSocketProtocol)
    peer.start()
    timeout = peer.protocol.ping_timer
    assert timeout is not None
    await peer.accepted()
    assert timeout.cancelled(), "the timeout of the handshake would abort an open socket: see start_keepalive"
    assert peer.protocol.ping_timer is None


async def test_http_protocol_passes_the_handshake_on() -> None:
    peer = Peer(protocol_class=WebSocketProtocol)
    http = HttpProtocol(config=peer.config, server_state=peer.state, app_state={})
    http.connection_made(peer.transport)
    http.data_received(peer.request())
    protocol = cast(WebSocketProtocol, peer.transport.protocol)
    assert peer.state.connections == {protocol}
    assert protocol.scope["client"] == CLIENT
    assert protocol.scope["server"] == SERVER
    protocol.accept(None)
    (response,) = peer.received()
    assert response.status_code == 101


async def test_connection_is_listed_in_server_state_while_it_is_open(peer: Peer) -> None:
    message = "uvicorn no longer keeps open sockets in server_state.connections: see WebSocketProtocol.shutdown"
    assert peer.state.connections == {peer.protocol}, message
    peer.protocol.connection_lost(None)
    assert peer.state.connections == set(), message


async def test_server_calls_shutdown_of_every_connection(peer: Peer) -> None:
    server = Server(peer.config)
    server.servers = []
    server.server_state = peer.state
    server.lifespan = peer.config.lifespan_class(peer.config)
    server.force_exit = True
    await server.shutdown()
    assert peer.recorder.methods == ["shutdown"], (
        "uvicorn no longer calls shutdown() once per connection: see WebSocketProtocol.shutdown"
    )


async def test_connection_lost_stops_timers_and_waiting_writers(peer: Peer) -> None:
    protocol = peer.protocol
    protocol.pause_writing()
    protocol.close_timer = asyncio.get_running_loop().call_later(TIMEOUT_SECONDS, lambda: None)
    timer = protocol.close_timer
    protocol.connection_lost(ConnectionResetError())
    assert protocol.disconnected, "uvicorn no longer sets `disconnected`: see WebSocketProtocol.attach"
    assert protocol.writable.is_set(), "uvicorn no longer wakes waiting writers: see WebSocketProtocol.wait_writable"
    assert timer.cancelled(), "uvicorn no longer cancels close_timer: see WebSocketProtocol._begin_close"


async def test_writable_follows_the_transport(peer: Peer) -> None:
    message = "uvicorn no longer maintains the event `writable`: see WebSocketProtocol.wait_writable"
    assert peer.protocol.writable.is_set(), message
    peer.protocol.pause_writing()
    assert not peer.protocol.writable.is_set(), message
    peer.protocol.resume_writing()
    assert peer.protocol.writable.is_set(), message


async def test_eof_received_lets_asyncio_close_the_transport(peer: Peer) -> None:
    result = cast(Callable[[], object], peer.protocol.eof_received)()
    assert not result, "uvicorn now keeps the transport open after an EOF: see WebSocketProtocol.eof_received"


# -- handshake --------------------------------------------------------------------------------------------------------


async def test_conn_is_a_server_protocol_that_rejects_by_its_reject_method() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    peer = Peer(fail)
    rejections: list[int] = []
    reject = peer.protocol.conn.reject

    def recording_reject(status: Any, text: str) -> Response:
        rejections.append(int(status))
        return reject(status, text)

    assert isinstance(peer.protocol.conn, ServerProtocol), "`conn` is no longer a websockets.ServerProtocol"
    peer.protocol.conn.reject = recording_reject  # type: ignore[method-assign]
    peer.start()
    await asyncio.wait(peer.state.tasks, timeout=TIMEOUT_SECONDS)
    assert rejections == [500], (
        "uvicorn no longer builds error responses by conn.reject(status, text): see SocketHandshake.__init__"
    )


async def test_task_of_the_application_is_listed_until_it_ends() -> None:
    peer = Peer(protocol_class=WebSocketProtocol)
    peer.start()
    assert len(peer.state.tasks) == 1
    assert not peer.protocol.handshake_complete
    await peer.accepted()
    (task,) = peer.state.tasks
    task.cancel()
    await asyncio.wait([task], timeout=TIMEOUT_SECONDS)
    assert peer.state.tasks == set(), "uvicorn's on_task_complete changed: see SocketHandshake.take_over"


async def test_accept_completes_the_handshake_and_starts_the_keepalive() -> None:
    peer = await Peer(ws_ping_interval=60.0).open()
    message = "uvicorn no longer starts the keepalive when the handshake is accepted"
    assert peer.protocol.ping_timer is not None, message
    peer.protocol.stop_keepalive()
    assert peer.protocol.ping_timer is None, "uvicorn's stop_keepalive changed: see WebSocketProtocol.shutdown"


async def test_scope_request_and_response_are_not_read_after_accept() -> None:
    peer = await Peer(ws_ping_interval=0.001, ws_ping_timeout=0.001).open()
    peer.protocol.request.headers.clear()
    del peer.protocol.scope, peer.protocol.request, peer.protocol.response
    message = "uvicorn now reads scope, request or response after the handshake: see WebSocketProtocol.attach"
    try:
        peer.send(TEXT, PING, Frame(Opcode.PONG, b"unsolicited"))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await peer.recorder.timed_out.wait()
        peer.protocol.shutdown()
        peer.protocol.connection_lost(None)
    except AttributeError as problem:
        raise AssertionError(message) from problem


async def test_nothing_is_called_of_the_queue_but_put_nowait_after_accept() -> None:
    class Discard:
        def put_nowait(self, message: object) -> None: ...

    peers = [await Peer().open() for _ in range(4)]
    for peer in peers:
        peer.protocol.queue = cast(Any, Discard())
    try:
        peers[0].send(TEXT, CLOSE)
        peers[1].protocol.data_received(b"\xff\xff")
        peers[2].protocol.shutdown()
        for peer in peers:
            peer.protocol.connection_lost(None)
    except AttributeError as problem:
        raise AssertionError(
            "uvicorn now reads its queue outside of receive(): see WebSocketProtocol.attach"
        ) from problem


async def test_http_response_of_the_application_is_written_and_closes_the_transport() -> None:
    async def reject(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"{}"})

    peer = Peer(reject)
    peer.protocol.data_received(peer.request())
    await asyncio.wait(peer.state.tasks, timeout=TIMEOUT_SECONDS)
    message = "uvicorn changed the ASGI extension websocket.http.response: see HandshakeResponder.reject"
    assert peer.transport.written.startswith(b"HTTP/1.1 429 "), message
    assert peer.transport.written.endswith(b"\r\n\r\n{}"), message
    assert peer.transport.closing, message


# -- frames -----------------------------------------------------------------------------------------------------------


async def test_handle_ping_is_called_once_per_ping_and_writes_the_pong(peer: Peer) -> None:
    peer.send(PING, PING)
    assert peer.recorder.calls == [("handle_ping", ())] * 2, (
        "uvicorn no longer calls handle_ping() once per ping frame: see WebSocketProtocol.handle_ping"
    )
    assert peer.received_frames() == [(Opcode.PONG, b"p")] * 2, "uvicorn's handle_ping no longer writes the pong"


async def test_handle_pong_is_called_once_per_pong(peer: Peer) -> None:
    peer.send(Frame(Opcode.PONG, b"a"), Frame(Opcode.PONG, b"b"))
    assert [(method, bytes(frame.data)) for method, (frame,) in peer.recorder.calls] == [
        ("handle_pong", b"a"),
        ("handle_pong", b"b"),
    ], "uvicorn no longer calls handle_pong(frame) once per pong frame: see WebSocketProtocol.handle_pong"


async def test_handle_cont_is_called_once_per_continuation_and_collects_frames(peer: Peer) -> None:
    peer.send(Frame(Opcode.TEXT, b"{", fin=False), Frame(Opcode.CONT, b"", fin=False))
    assert peer.recorder.methods == ["handle_cont"], (
        "uvicorn no longer calls handle_cont(frame) once per continuation frame: see WebSocketProtocol.handle_cont"
    )
    assert [bytes(fragment) for fragment in peer.protocol.frames] == [b"{", b""], (
        "uvicorn no longer collects the fragments in `frames`: see WebSocketProtocol.handle_cont"
    )


async def test_complete_message_ends_in_send_receive_event_to_app(peer: Peer) -> None:
    peer.send(TEXT, Frame(Opcode.TEXT, b"{", fin=False), Frame(Opcode.CONT, b"}"))
    fragments = [
        [bytes(fragment) for fragment in arguments[0]]
        for method, arguments in peer.recorder.calls
        if method == "send_receive_event_to_app"
    ]
    assert fragments == [[b"{}"], [b"{", b"}"]], (
        "uvicorn no longer calls send_receive_event_to_app once per message, with its fragments in `frames`"
    )


async def test_binary_frame_is_passed_to_handle_bytes(peer: Peer) -> None:
    peer.send(Frame(Opcode.BINARY, b"\x00"))
    assert peer.recorder.methods[0] == "handle_bytes", (
        "uvicorn no longer calls handle_bytes for a binary frame: see WebSocketProtocol.handle_bytes"
    )


async def test_message_pauses_reading_and_receive_resumes_it(peer: Peer) -> None:
    message = "uvicorn no longer pauses and resumes reading with `read_paused`: see WebSocketProtocol._resume_reading"
    await peer.protocol.receive()  # websocket.connect
    peer.send(TEXT)
    assert peer.protocol.read_paused, message
    assert peer.transport.reading_paused, message
    await peer.protocol.receive()
    assert not peer.protocol.read_paused, message
    assert not peer.transport.reading_paused, message


async def test_violation_is_passed_to_handle_parser_exception_with_the_close_frame_ready() -> None:
    class Silent(Recorder):
        def handle_parser_exception(self) -> None:
            self.record("handle_parser_exception")

    peer = await Peer(protocol_class=Silent).open()
    peer.protocol.data_received(TEXT.serialize(mask=False))  # RFC 6455 §5.1: a client must mask its frames
    message = "uvicorn no longer calls handle_parser_exception: see WebSocketProtocol.handle_parser_exception"
    assert peer.recorder.methods == ["handle_parser_exception"], message
    assert peer.protocol.conn.parser_exc is not None, "websockets no longer sets parser_exc"
    assert peer.protocol.conn.close_sent is not None, "websockets no longer prepares the close frame"
    assert peer.protocol.conn.close_sent.code == 1002
    assert b"".join(peer.protocol.conn.data_to_send())[:1] == b"\x88", "websockets no longer prepares the close frame"


async def test_close_of_the_peer_is_answered_and_closes_the_transport(peer: Peer) -> None:
    peer.send(CLOSE)
    assert peer.recorder.methods == ["handle_close"], "uvicorn no longer calls handle_close: see WebSocketProtocol"
    assert peer.received_frames() == [(Opcode.CLOSE, CLOSE.data)], "uvicorn's handle_close no longer answers"
    assert peer.transport.closing, "uvicorn's handle_close no longer closes the transport"


async def test_answer_to_our_close_cancels_close_timer_and_closes_the_transport(peer: Peer) -> None:
    protocol = peer.protocol
    protocol.conn.send_close(1000)
    protocol.close_sent = True
    protocol.close_timer = timer = asyncio.get_running_loop().call_later(TIMEOUT_SECONDS, lambda: None)
    peer.send(CLOSE)
    message = "uvicorn's handle_close no longer ends a close that we started: see WebSocketProtocol.close"
    assert timer.cancelled(), message
    assert peer.transport.closing, message


async def test_nothing_is_sent_once_close_sent_is_set(peer: Peer) -> None:
    peer.protocol.close_sent = True
    peer.protocol.ping_interval = 60.0
    peer.protocol.send_keepalive_ping()
    assert peer.transport.written == b"", "uvicorn now pings after close_sent was set: see WebSocketProtocol.close"


async def test_missing_pong_calls_keepalive_timeout_which_closes() -> None:
    peer = await Peer(ws_ping_interval=0.001, ws_ping_timeout=0.001).open()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await peer.recorder.timed_out.wait()
    message = "uvicorn's keepalive_timeout no longer {}: see WebSocketProtocol.keepalive_timeout"
    assert peer.protocol.close_sent, message.format("sets close_sent")
    assert peer.transport.closing, message.format("closes the transport")


# -- WebSocketProtocol on top of it -----------------------------------------------------------------------------------


class RecordingReceiver:
    def __init__(self) -> None:
        self.events: list[str] = []

    def text_received(self, text: str) -> None:
        self.events.append(text)

    def drain(self) -> None:
        self.events.append("drain")

    def closed(self) -> None:
        self.events.append("closed")


async def attached(**settings: Any) -> tuple[Peer, RecordingReceiver]:
    """Return the peer of a `WebSocketProtocol` whose application attached a receiver and has returned."""
    receiver = RecordingReceiver()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        socket: WebSocketProtocol = scope["extensions"][EXTENSION]
        await send({"type": "websocket.accept"})
        socket.attach(receiver)

    peer = await Peer(app, WebSocketProtocol, **settings).open()
    await asyncio.sleep(0)
    return peer, receiver


async def test_attached_socket_stays_open_after_the_application_returned() -> None:
    peer, receiver = await attached()
    assert peer.state.tasks == set(), "the task of the handshake no longer ends"
    assert not peer.transport.closing, "uvicorn now closes the socket when the application returns: see run_asgi"
    peer.send(TEXT)
    assert receiver.events == ["{}"]
    assert not peer.transport.reading_paused, "messages must not pause reading once a receiver is attached"


async def test_shutdown_calls_drain_of_the_receiver() -> None:
    peer, receiver = await attached()
    peer.protocol.shutdown()
    assert receiver.events == ["drain"]
    assert not peer.transport.closing


async def test_push_and_close_reach_the_client() -> None:
    peer, receiver = await attached()
    peer.socket.push(Frame(Opcode.TEXT, b"hello").serialize(mask=False))
    peer.socket.close(CloseCode.REPLACED)
    (text, close) = peer.received_frames()
    assert text == (Opcode.TEXT, b"hello")
    assert (close[0], int.from_bytes(close[1][:2], "big")) == (Opcode.CLOSE, 4409)
    assert receiver.events == ["closed"]
    assert peer.socket.close_code == 4409
    assert peer.client.state is State.CLOSING


async def test_handshake_whose_application_fails_has_the_error_body_and_headers() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    peer = Peer(fail, WebSocketProtocol)
    peer.start()
    await asyncio.wait(peer.state.tasks, timeout=TIMEOUT_SECONDS)
    head, _, body = peer.transport.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"X-Content-Type-Options: nosniff" in head
    assert json.loads(body)["error"]["code"] == "internal"


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", TEXT.serialize(mask=True), PING.serialize(mask=True), b"\xff"],
    ids=["request", "text", "ping", "junk"],  # the masks are random
)
@pytest.mark.parametrize("accepts", [True, False])
async def test_data_before_the_response_to_the_handshake_aborts_the_connection(
    data: bytes, accepts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A client must wait for the response (RFC 6455 §4.1). Junk instead caused a trace in the log, without a login."""
    decide = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await decide.wait()
        if accepts:
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"no"})

    peer = Peer(app, WebSocketProtocol)
    peer.start()
    peer.protocol.data_received(data)
    assert peer.transport.closing
    peer.protocol.connection_lost(None)
    decide.set()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await asyncio.gather(*peer.state.tasks)
    assert peer.transport.written == b""
    assert caplog.text == ""
