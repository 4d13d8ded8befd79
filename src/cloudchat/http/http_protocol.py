"""uvicorn's HTTP protocol with bounds on the size of a request, on its arrival time, and on slow readers.

Without them the parser (llhttp) accepts a head of any size, uvicorn waits forever for the rest of a request, and a
closing transport waits forever until its last byte is read. nginx in front has the same bounds, but the server must not
depend on it.

`HttpProtocol` overrides methods of a private class of uvicorn, which is therefore pinned to an exact version. It relies
on the following behaviour; tests/unit/http/test_uvicorn_contract.py has one test for each line.

- `data_received` feeds the parser and cancels `timeout_keep_alive_task`, which is set between two requests only. When
  that timer ends, it calls `timeout_keep_alive_handler`.
- An exception in a callback of the parser (`on_url`, `on_header`, …) stops the parsing, and `data_received` calls
  `send_400_response` once. An invalid request does the same.
- `on_message_begin` resets `url` and `headers`; `on_url` appends to `url`, `on_header` to `headers`.
- `cycle` is None before the first request, then the latest request; it has `response_complete` and `keep_alive`, and a
  `keep_alive` of False closes the connection after the response.
- A request that arrives before the response to an earlier one waits in `pipeline`, and `flow.read_paused` is True
  during that time. `_start_asgi_task(cycle, app)` starts the application for each request, also for those.
- `connection_lost` sets `disconnected` of the latest cycle only; a cycle that is disconnected writes nothing.
- `on_response_complete` is called after each response; it starts the next request of `pipeline`.
- For a request with `Upgrade: websocket`, `scope["method"]` is set, then `_should_upgrade` decides.
  `handle_websocket_upgrade` gives the transport another protocol. A rejected upgrade calls
  `_unsupported_upgrade_warning` and is answered as a normal request.
- `Server.shutdown` calls `shutdown` of each open connection.
"""

import asyncio
import re
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from cloudchat.http.open_files import CONNECTION_RESERVE, SOCKET_RESERVE, is_reserved
from cloudchat.http.raw_response import raw_error
from cloudchat.http.websocket_upgrade import BadUpgrade, UpgradeRequest, accept_key_of

MAX_HEADERS = 128
MAX_URL_BYTES = 8192
MAX_HEAD_BYTES = 32 * 1024
"""All header names and values of a request, also of a WebSocket handshake; one header may be as large as that."""
MAX_REQUEST_BYTES = 1 << 20
"""The size of a request on the wire: a body of 64 KiB in chunks of one byte is six times as large."""
MAX_PIPELINED = 16
REQUEST_TIMEOUT_SECONDS = 10.0
"""From the first byte, or from the connection, to the last byte of the request (slowloris)."""
STALL_TIMEOUT_SECONDS = 30.0
"""The time that a response may wait for a client that does not read."""
LINGER_SECONDS = 2.0
"""After a rejection, the time in which the client can read the response before the connection is closed."""
FIRST_REQUEST_SECONDS = 0.5
"""At shutdown, the time in which a connection without a request can still send its first one."""
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
"""RFC 3986 §3.2.2 without a comma, which would be two values in one header."""


class _Rejected(Exception):
    """Raised in a callback of the parser to stop it; `_rejection` has the response."""


class HttpProtocol(HttpToolsProtocol):
    """One connection. Called by uvicorn, the parser and the event loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._receiving = True
        self._received_bytes = 0  # of the current request
        self._head_bytes = 0
        self._upgrades: bool | None = None
        self._rejection = (HTTPStatus.BAD_REQUEST, "this is not a valid HTTP/1.1 request")
        self._discarding = False
        self._reject_when_idle = False
        self._running: RequestResponseCycle | None = None
        """The request that the application answers now; `cycle` is the latest request, which may still wait."""
        self._shutting_down = False
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    # -- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first request. Refuse the connection if its descriptor is one of the reserve."""
        super().connection_made(transport)
        if self.client is None and self.server is not None and self.server[1] is not None:
            # The peer of a TCP connection has already gone. Its requests would count as those of a unix socket.
            self._discarding = True
            self.transport.abort()
            return
        if is_reserved(transport, CONNECTION_RESERVE):
            self._rejection = (
                HTTPStatus.SERVICE_UNAVAILABLE,
                "this server has reached its limit of open files; try again",
            )
            self._discarding = True
            self.transport.write(_raw_response(*self._rejection))
            self.transport.close()  # at once, without lingering: the descriptor is needed
            return
        self._start_request_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every timer, and disconnect all pipelined requests so that none writes to the closed transport."""
        super().connection_lost(exc)
        waiting = [cycle for cycle, _ in self.pipeline]
        self.pipeline.clear()
        for cycle in [*waiting, *([] if self._running is None else [self._running])]:
            cycle.disconnected = True
            cycle.message_event.set()
        self._stop_request_timer()
        self._stop_stall_timer()

    def data_received(self, data: bytes) -> None:
        """Parse the data. After a rejection, discard it: closing with unread data would reset the connection."""
        if self._discarding:
            return
        self._received_bytes += len(data)
        if self.timeout_keep_alive_task is not None:  # uvicorn stops this timer at any byte, even an empty line
            self._start_request_timer()
        super().data_received(data)
        if self._discarding or not self._receiving or self.transport.get_protocol() is not self:
            return
        if self._received_bytes > (MAX_HEAD_BYTES if self._in_head else MAX_REQUEST_BYTES):
            self._rejection = _too_large(self._in_head)
            self.send_400_response("")

    # -- callbacks of the parser --------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start the timer of a request on a reused connection."""
        super().on_message_begin()
        self._in_head, self._head_bytes, self._upgrades = True, 0, None
        self._start_request_timer()

    def on_url(self, url: bytes) -> None:
        """Limit the length of the URL."""
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._reject(HTTPStatus.REQUEST_URI_TOO_LONG, f"the URL is longer than {MAX_URL_BYTES} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Limit the headers, including the trailers of a chunked body."""
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if len(self.headers) > MAX_HEADERS or self._head_bytes > MAX_HEAD_BYTES:
            self._reject(*_too_large(head=True))

    def on_headers_complete(self) -> None:
        """Pass the request on if its Host is valid, unless too many wait for the response to an earlier one."""
        self._in_head = False
        hosts = [value for name, value in self.headers if name == b"host"]
        if not (len(hosts) == 1 and _HOST.fullmatch(hosts[0])) and (hosts or self.parser.get_http_version() != "1.0"):
            self._reject(HTTPStatus.BAD_REQUEST, "send one valid Host header (RFC 9112 §3.2)")
        if len(self.pipeline) >= MAX_PIPELINED:
            self._reject(HTTPStatus.TOO_MANY_REQUESTS, "too many pipelined requests; wait for the responses first")
        super().on_headers_complete()
        if self._shutting_down and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Stop the timer of the request."""
        super().on_message_complete()
        self._stop_request_timer()
        self._received_bytes = 0

    # -- responses ----------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Send the rejection, and discard all further data.

        The responses to earlier requests are sent first: inside of another response, the client would read it as a part
        of that response.
        """
        self._discarding = True
        self._stop_request_timer()
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.more_body:
                self.transport.abort()  # the application waits for the rest of the request that is rejected
            else:
                self._reject_when_idle = True
            return
        self.transport.write(_raw_response(*self._rejection))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def on_response_complete(self) -> None:
        """Send a rejection that waited for the last response."""
        super().on_response_complete()
        if self._reject_when_idle and self.cycle.response_complete:
            self._reject_when_idle = False
            self._unset_keepalive_if_required()
            self.send_400_response("")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        """Limit the time for which the client may not read."""
        super().pause_writing()
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(STALL_TIMEOUT_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop that timer: the client reads again."""
        super().resume_writing()
        self._stop_stall_timer()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and limit the time for which the last response may stay unread."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(STALL_TIMEOUT_SECONDS, self.transport.abort)

    def shutdown(self) -> None:
        """Close after the current response.

        A client that has only just connected is sending a request. Closing now would lose it, although systemd
        keeps the listening socket open so that no connection is refused.
        """
        if self.cycle is None and not self._discarding and not self._shutting_down:
            self._shutting_down = True
            self.loop.call_later(FIRST_REQUEST_SECONDS, self._close_without_request)
        else:
            super().shutdown()

    # -- upgrades -----------------------------------------------------------------------------------------------------

    def _should_upgrade(self) -> bool:
        """Upgrade a GET only (RFC 6455 §4.1). Other methods are answered as normal requests."""
        if self._upgrades is None:  # uvicorn asks three times
            self._upgrades = bool(self.scope["method"] == "GET" and super()._should_upgrade())
        return self._upgrades

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over. From here on the WebSocket protocol has its own timers."""
        if self.cycle is not None and not self.cycle.response_complete:
            # The response to the request before it would be written into the WebSocket, or meet a closed transport.
            message = "a WebSocket handshake must not be pipelined; wait for the response to the request before it"
            self._rejection = HTTPStatus.BAD_REQUEST, message
            self.send_400_response("")
            return
        if is_reserved(self.transport, SOCKET_RESERVE):
            self._rejection = (
                HTTPStatus.SERVICE_UNAVAILABLE,
                "this server has reached its limit of open files; try again",
            )
            self.send_400_response("")
            return
        if self._shutting_down:  # uvicorn has called `shutdown` of all connections, and would not drain this one
            self._rejection = HTTPStatus.SERVICE_UNAVAILABLE, "the server restarts"
            self.send_400_response("")
            return
        try:
            accept_key = accept_key_of(self.headers)
        except BadUpgrade as problem:
            self._rejection = problem.status, str(problem)
            self.send_400_response("")
            return
        self._stop_request_timer()
        self.connections.discard(self)
        protocol: Any = self.ws_protocol_class(  # type: ignore[call-arg, misc]
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        scheme = "wss" if self.scheme == "https" else "ws"
        request = UpgradeRequest(self.url, self.headers, accept_key, scheme, self.client, self.server)
        protocol.take_over(self.transport, request)
        self.transport.set_protocol(protocol)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: clients that offer HTTP/2 send an Upgrade header with normal requests."""

    # -- internal -----------------------------------------------------------------------------------------------------

    def _reject(self, status: HTTPStatus, message: str) -> None:
        self._rejection = status, message
        raise _Rejected

    def _close_without_request(self) -> None:
        if self.cycle is None:
            self.transport.close()

    def _start_request_timer(self) -> None:
        self._receiving = True
        if self._request_timer is None:
            self._request_timer = self.loop.call_later(REQUEST_TIMEOUT_SECONDS, self._request_timed_out)

    def _stop_request_timer(self) -> None:
        self._receiving = False
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _request_timed_out(self) -> None:
        self._request_timer = None
        if self.flow.read_paused:  # the server itself does not read the rest of the request
            self._start_request_timer()
        elif self._received_bytes:
            message = f"the request took longer than {REQUEST_TIMEOUT_SECONDS:g} seconds"
            self._rejection = HTTPStatus.REQUEST_TIMEOUT, message
            self.send_400_response("")
        else:
            self.transport.abort()

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


def _too_large(head: bool) -> tuple[HTTPStatus, str]:
    if head:
        message = f"more than {MAX_HEADERS} headers or {MAX_HEAD_BYTES} bytes of headers"
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, message
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request is larger than {MAX_REQUEST_BYTES} bytes"


def _raw_response(status: HTTPStatus, message: str) -> bytes:
    headers, body = raw_error(status, message)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
