"""Connections to the store for threads, and calls of Redis Functions: the counterparts of `RedisConnection` and
`RedisFunctions`.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hiredis

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.redis_connection import pack
from cloudchat.broker.connections.store_url import StoreUrl, parse_store_url

_INCOMPLETE = object()
_READ_BYTES = 65_536
_MIN_TIMEOUT_SECONDS = 0.001
"""A timeout of 0 would make the socket non-blocking."""


class BlockingConnection:
    """One connection, for one thread at a time. Replies are bytes, numbers or lists (RESP2)."""

    def __init__(self, url: StoreUrl, *, seconds: float) -> None:
        """Connect, authenticate and select the database. `seconds` limits the connect and each request.

        Raises OSError, also on a timeout; `hiredis.ReplyError` when the store rejects the password or is still loading
        its data.
        """
        self._seconds = seconds
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._socket = _open_socket(url, seconds)
        try:
            for command in url.handshake:
                self.request(*command)
        except BaseException:
            self.close()
            raise

    @property
    def is_reusable(self) -> bool:
        """Whether the connection is open and nothing is unread. The end of a connection is readable, too."""
        if self._socket.fileno() < 0:
            return False
        poll = select.poll()  # unlike select.select, it accepts descriptors above 1023
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def request(self, *command: str | bytes | int) -> Any:
        """Send one command and return its reply. It is never sent twice.

        Raises `hiredis.ReplyError` for an error reply. After OSError the outcome is unknown, and the connection closed.
        """
        try:
            reply = self._exchange(pack(*command))
        except BaseException:
            self.close()  # the late reply must not be taken for the next request's
            raise
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _exchange(self, request: bytes) -> Any:
        deadline = time.monotonic() + self._seconds
        self._socket.settimeout(self._seconds)
        self._socket.sendall(request)
        try:
            while (reply := self._reader.gets()) is _INCOMPLETE:
                self._socket.settimeout(max(deadline - time.monotonic(), _MIN_TIMEOUT_SECONDS))
                received = self._socket.recv(_READ_BYTES)
                if not received:
                    raise ConnectionError("the store closed the connection")
                self._reader.feed(received)
        except hiredis.ProtocolError as error:
            raise ConnectionError("the store does not speak the Redis protocol") from error
        return reply


class BlockingFunctions:
    """Calls the functions of one library. Every call is bounded in time. Thread-safe."""

    def __init__(self, url: str, *, library: str, seconds: float) -> None:
        """`library` is the source (Lua). `seconds` limits each connect and each request."""
        self._url = parse_store_url(url)
        self._library = library
        self._seconds = seconds
        self._idle: deque[BlockingConnection] = deque()
        """One for each call that ran at the same time as others: at most one per thread."""

    def call(self, function: str, key: str, *arguments: str | bytes | int) -> Any:
        """Call a function with one key, which is one atomic step.

        Loads the library and repeats the call if the store does not know the function. Raises `BrokerUnavailable`.
        """
        command = ("FCALL", function, 1, key, *arguments)
        try:
            with self._connection() as connection:
                try:
                    return connection.request(*command)
                except hiredis.ReplyError as error:
                    if "Function not found" not in str(error):
                        raise
                    connection.request("FUNCTION", "LOAD", "REPLACE", self._library)
                    return connection.request(*command)
        except (hiredis.ReplyError, OSError) as error:
            raise BrokerUnavailable(f"a call to the store failed: {error}") from error

    @contextmanager
    def _connection(self) -> Iterator[BlockingConnection]:
        connection = self._idle_connection() or BlockingConnection(self._url, seconds=self._seconds)
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def _idle_connection(self) -> BlockingConnection | None:
        """Return a connection that no thread uses, the last one first. Close those that a restarted store has left."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_reusable:
                return connection
            connection.close()


def _open_socket(url: StoreUrl, seconds: float) -> socket.socket:
    if url.path:
        unix_socket = socket.socket(socket.AF_UNIX)
        try:
            unix_socket.settimeout(seconds)
            unix_socket.connect(url.path)
        except BaseException:
            unix_socket.close()
            raise
        return unix_socket
    context = url.tls_context()
    tcp_socket = socket.create_connection((url.host, url.port), timeout=seconds)
    try:
        tcp_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(tcp_socket, server_hostname=url.host) if context else tcp_socket
    except BaseException:
        tcp_socket.close()
        raise
