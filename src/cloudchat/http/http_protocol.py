"""uvicorn's HTTP protocol with bounds: on a request's head, on its arrival, and on waiting for who does not read.

The parser below (llhttp) takes a head of any size, uvicorn waits for the rest of a request for ever, and a closing
transport waits for ever until its last byte is read. nginx in front holds the same, but nobody must depend on it.

uvicorn is pinned to the exact version whose methods are overridden here.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cloudchat.http.raw_response import raw_error

MAX_HEADERS = 128
URL_BYTES = 8192
HEAD_BYTES = 32 * 1024
REQUEST_BYTES = 1 << 20
"""Of a whole request as it comes over the wire: 64 KiB of body in chunks of one byte are six times as many."""
REQUEST_SECONDS = 10.0
"""From the first byte, or the connection, to the last byte of the request (slowloris)."""
STALL_SECONDS = 30.0
"""So long an answer may wait for its reader."""
LINGER_SECONDS = 2.0
FIRST_REQUEST_SECONDS = 0.5
"""So long a server that ends waits for the request of who has only just connected."""
MAX_PIPELINED = 16


class _Refused(Exception):
    """Raised inside a callback of the parser, which then stops."""


class HttpProtocol(HttpToolsProtocol):
    """One connection. Called by uvicorn, the parser and the loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._arriving = True
        self._received = 0  # bytes of the request that arrives
        self._head = 0
        self._refusal = (HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1 request")
        self._discarding = False
        self._leaving = False
        self._arrival: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    # -- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the first request's time."""
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every clock."""
        super().connection_lost(exc)
        self._arrived()
        self._stop_stall()

    def data_received(self, data: bytes) -> None:
        """Parse, unless the request has been refused already: then only read on, so that the answer is not reset."""
        if self._discarding:
            return
        self._received += len(data)
        if self.timeout_keep_alive_task is not None:  # even an empty line stops uvicorn's clock
            self._expect_request()
        super().data_received(data)
        if self._discarding or not self._arriving or self.transport.get_protocol() is not self:
            return
        if self._received > (HEAD_BYTES if self._in_head else REQUEST_BYTES):
            self._refusal = _too_large(self._in_head)
            self.send_400_response("")

    # -- the parser's callbacks ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start the time of a request on a connection that is used again."""
        super().on_message_begin()
        self._in_head, self._head = True, 0
        self._expect_request()

    def on_url(self, url: bytes) -> None:
        """Bound the URL."""
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, f"the URL is longer than {URL_BYTES} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Bound the headers, those after a chunked body too."""
        super().on_header(name, value)
        self._head += len(name) + len(value)
        if len(self.headers) > MAX_HEADERS or self._head > HEAD_BYTES:
            self._refuse(*_too_large(head=True))

    def on_headers_complete(self) -> None:
        """Hand the request on, unless too many wait already for the answer to an earlier one."""
        self._in_head = False
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, "wait for the answers first")
        super().on_headers_complete()
        if self._leaving and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Stop the request's time."""
        super().on_message_complete()
        self._arrived()
        self._received = 0

    # -- answers ------------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, or was refused meanwhile, and read no more of it."""
        self._discarding = True
        self._arrived()
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # an answer in the midst of another one would belong to the wrong request
            return
        self.transport.write(_answer(*self._refusal))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        """Give the reader of an answer some time."""
        super().pause_writing()
        self._stop_stall()
        self._stall = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads."""
        super().resume_writing()
        self._stop_stall()

    def timeout_keep_alive_handler(self) -> None:
        """Close, but wait only so long for the last answer to be read."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """End with the answer to what is under way.

        Who connected in the last moment has a request on its way: to close now would lose it, though the listening
        socket, which systemd keeps, refuses nobody.
        """
        if self.cycle is None and not self._discarding and not self._leaving:
            self._leaving = True
            self.loop.call_later(FIRST_REQUEST_SECONDS, self._leave)
        else:
            super().shutdown()

    def _should_upgrade(self) -> bool:
        """A GET only (RFC 6455 §4.1); whatever else would like to be a socket is answered as the request that it is."""
        return bool(self.scope["method"] == "GET" and super()._should_upgrade())

    def handle_websocket_upgrade(self) -> None:
        """From here on the socket's own protocol keeps the time."""
        if self._leaving:  # nobody would tell it to drain
            self._refusal = HTTPStatus.SERVICE_UNAVAILABLE, "the server restarts"
            self.send_400_response("")
            return
        versions = [value for name, value in self.headers if name == b"sec-websocket-version"]
        if versions and versions != [b"13"]:
            self._refusal = HTTPStatus.UPGRADE_REQUIRED, "sockets here are of version 13 (RFC 6455)"
            self.send_400_response("")
            return
        self._arrived()
        super().handle_websocket_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: every client that would rather speak HTTP/2 asks, and is answered all the same."""

    # -- inside -------------------------------------------------------------------------------------------------------

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._refusal = status, message
        raise _Refused

    def _leave(self) -> None:
        if self.cycle is None:
            self.transport.close()

    def _expect_request(self) -> None:
        self._arriving = True
        if self._arrival is None:
            self._arrival = self.loop.call_later(REQUEST_SECONDS, self._too_late)

    def _arrived(self) -> None:
        self._arriving = False
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _too_late(self) -> None:
        self._arrival = None
        if self.flow.read_paused:  # it is we who keep the rest waiting
            self._expect_request()
        elif self._received:
            self._refusal = HTTPStatus.REQUEST_TIMEOUT, f"the request took longer than {REQUEST_SECONDS:g} seconds"
            self.send_400_response("")
        else:
            self.transport.abort()

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


def _too_large(head: bool) -> tuple[HTTPStatus, str]:
    if head:
        bounds = f"{MAX_HEADERS} headers or {HEAD_BYTES} bytes of them"
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {bounds}"
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request is larger than {REQUEST_BYTES} bytes"


def _answer(status: HTTPStatus, message: str) -> bytes:
    headers, body = raw_error(status, message)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
