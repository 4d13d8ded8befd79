"""The load: members that receive, some that also send, and always the same number of sends in flight.

One thread with epoll. Deliveries are counted on every connection. The time from send to delivery is measured on eight
members, including the first and the last that joined: only their frames are parsed.
"""

import gc
import re
import secrets
import select
import socket
import time
from dataclasses import dataclass, field

from benchmarks.dialects import Dialect
from benchmarks.frames import CLOSE, PING, PONG, TEXT, MessageCounter, client_frame
from benchmarks.room import RoomProgress, spread, spread_inner

TEXT_CHARS = 100
_SAMPLED_MEMBERS = 8
_MAX_EVENTS = 64  # sockets per poll: after each poll the clock and the sends in flight are checked
_TIMEOUT_SECONDS = 15.0  # without any delivery


class LoadFailed(RuntimeError):
    """The server closed a socket, answered with an error, or lost a message: the results would be worthless."""


@dataclass
class Window:
    """The measurements between two moments of one load. Times in seconds.

    `idle_seconds`: when there was nothing to receive, because the generator waited for the server. `latencies`: from
    send to delivery, on the sampled members. `room_latencies`: from send until the last member has it.
    """

    seconds: float = 0.0
    deliveries: int = 0
    sends: int = 0
    idle_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    room_latencies: list[float] = field(default_factory=list)


class Load:
    """A room of joined members under load. Messages are numbered, so that none is counted twice or missed."""

    def __init__(self, dialect: Dialect, members: list[tuple[socket.socket, bytes]], in_flight: int) -> None:
        marker = f"bench {secrets.token_hex(3)} "
        self._dialect = dialect
        self._sockets = [sock for sock, _ in members]
        self._in_flight = in_flight
        self._marker = marker
        self._number = re.compile(marker.encode() + rb"(\d{8})")
        self._progress = RoomProgress(len(members))
        self._sent_at: list[float] = []
        self._window = Window()
        self._last_received_at = time.perf_counter()
        self._buffer = bytearray(1 << 18)
        self._poll = select.epoll()
        by_descriptor = {}
        for sock, rest in members:
            sock.setblocking(False)
            by_descriptor[sock.fileno()] = (sock, sock.recv_into, MessageCounter(marker.encode(), rest))
            self._poll.register(sock.fileno(), select.EPOLLIN)
        self._members = by_descriptor
        self._sampled = {sock.fileno() for sock in spread(self._sockets, _SAMPLED_MEMBERS)}
        self._senders = spread_inner(self._sockets, in_flight)

    def __enter__(self) -> "Load":
        gc.disable()  # a collection during the load would count as latency of the server
        return self

    def __exit__(self, *_: object) -> None:
        gc.enable()
        self._poll.close()

    def warm_up(self, seconds: float) -> None:
        """Run the load until the server has its steady speed. Raises LoadFailed."""
        self._send()  # when every member has received this message, all replays are read
        self._drain()
        self.measure(seconds)

    def measure(self, seconds: float) -> Window:
        """Keep the sends in flight for `seconds`, and return the measurements. Raises LoadFailed."""
        progress = self._progress
        window = self._window = Window()
        deliveries, sends = progress.deliveries, progress.sent
        started_at = now = time.perf_counter()
        while now < started_at + seconds:
            while progress.in_flight < self._in_flight:
                self._send()
            before = now
            received = self._receive()
            now = time.perf_counter()
            if not received:
                window.idle_seconds += now - before
        window.seconds = now - started_at
        window.deliveries = progress.deliveries - deliveries
        window.sends = progress.sent - sends
        self._window = Window()
        return window

    def finish(self) -> None:
        """Wait for the sends in flight. Raises LoadFailed unless every member received every message once."""
        self._drain()
        if any(counter.received != self._progress.sent for _, _, counter in self._members.values()):
            raise LoadFailed("some members did not receive every message once")

    def _drain(self) -> None:
        while self._progress.in_flight:
            self._receive()

    def _send(self) -> None:
        number = self._progress.send()
        text = f"{self._marker}{number:08d} ".ljust(TEXT_CHARS, "x")
        frame = client_frame(self._dialect.send(text))
        sender = self._senders[number % len(self._senders)]
        self._sent_at.append(time.perf_counter())
        sender.sendall(frame)

    def _receive(self) -> bool:
        """Read what has arrived; return whether there was anything.

        It polls and never sleeps: waking a sleeping receiver costs the *sender* about as much as the write itself, a
        cost that exists only because both are on one machine.
        """
        ready = self._poll.poll(0, _MAX_EVENTS)
        if not ready:
            if time.perf_counter() > self._last_received_at + _TIMEOUT_SECONDS:
                raise LoadFailed(
                    f"nothing arrived for {_TIMEOUT_SECONDS:.0f} s, {self._progress.in_flight} sends in flight"
                )
            return False
        self._last_received_at = time.perf_counter()
        buffer, members, progress, sampled = self._buffer, self._members, self._progress, self._sampled
        for descriptor, _ in ready:
            sock, receive, counter = members[descriptor]
            size = receive(buffer)
            if not size:
                raise LoadFailed("the server closed a member's connection")
            before = counter.received
            if descriptor in sampled:
                self._record_latencies(counter.messages(buffer, size))
            else:
                counter.count(buffer, size)
            if counter.others:
                self._answer(sock, counter)
            complete = progress.complete
            if counter.received != before and progress.deliver(before, counter.received - before):
                now = time.perf_counter()
                self._window.room_latencies += [
                    now - sent_at for sent_at in self._sent_at[complete : progress.complete]
                ]
        return True

    def _record_latencies(self, payloads: list[bytes]) -> None:
        now = time.perf_counter()
        for payload in payloads:
            if found := self._number.search(payload):
                self._window.latencies.append(now - self._sent_at[int(found[1])])

    def _answer(self, sock: socket.socket, counter: MessageCounter) -> None:
        for opcode, payload in counter.others:
            if opcode == PING:
                sock.sendall(client_frame(payload, PONG))
            elif opcode == CLOSE or (opcode == TEXT and b'"type":"error"' in payload):
                raise LoadFailed(f"the server answered: {payload.decode(errors='replace')}")
        counter.others.clear()
