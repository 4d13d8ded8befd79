"""The load: members that only receive, some that also send, and always the same number of sends in flight.

One thread with epoll. Deliveries are counted on every connection; the time from send to delivery is taken on eight
members, the first and the last that joined among them, since only their frames are read.
"""

import gc
import re
import secrets
import select
import socket
import time
from dataclasses import dataclass, field

from benchmarks.dialects import Dialect
from benchmarks.frames import CLOSE, PING, PONG, TEXT, client_frame
from benchmarks.inbox import Inbox
from benchmarks.placement import spread, spread_inner
from benchmarks.progress import RoomProgress

TEXT_CHARS = 100
_SAMPLED = 8
_BATCH = 64  # sockets per poll: the clock and the window of sends are looked at this often
_PATIENCE = 15.0  # seconds without any delivery until the load gives up


class BrokenLoad(RuntimeError):
    """The server closed a socket, answered with an error, or lost a message: the figures would be worthless."""


@dataclass
class Window:
    """What was seen between two moments of one load. Times in seconds."""

    seconds: float = 0.0
    deliveries: int = 0
    sends: int = 0
    idle: float = 0.0  # time in which there was nothing to receive: the generator waited for the server
    latencies: list[float] = field(default_factory=list)  # send → delivery, on the sampled members
    room_latencies: list[float] = field(default_factory=list)  # send → the last member has it


class Load:
    """A room of joined members under load. Numbers its messages, so that none is counted twice or missed."""

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
        self._heard = time.perf_counter()
        self._buffer = bytearray(1 << 18)
        self._poll = select.epoll()
        by_descriptor = {}
        for sock, rest in members:
            sock.setblocking(False)
            by_descriptor[sock.fileno()] = (sock, sock.recv_into, Inbox(marker.encode(), rest))
            self._poll.register(sock.fileno(), select.EPOLLIN)
        self._members = by_descriptor
        self._sampled = {sock.fileno() for sock in spread(self._sockets, _SAMPLED)}
        self._senders = spread_inner(self._sockets, in_flight)

    def __enter__(self) -> "Load":
        gc.disable()  # a collection in the middle would count as the server's latency
        return self

    def __exit__(self, *_: object) -> None:
        gc.enable()
        self._poll.close()

    def warm_up(self, seconds: float) -> None:
        """Bring the room to its pace. Raises BrokenLoad."""
        self._send()  # every member must have this one before the others go: by then all replays are read
        self._drain()
        self.measure(seconds)

    def measure(self, seconds: float) -> Window:
        """Keep the sends in flight for so long; return what that brought. Raises BrokenLoad."""
        progress = self._progress
        window = self._window = Window()
        deliveries, sends = progress.deliveries, progress.sent
        start = now = time.perf_counter()
        while now < start + seconds:
            while progress.in_flight < self._in_flight:
                self._send()
            before = now
            received = self._receive()
            now = time.perf_counter()
            if not received:
                window.idle += now - before
        window.seconds = now - start
        window.deliveries = progress.deliveries - deliveries
        window.sends = progress.sent - sends
        self._window = Window()
        return window

    def finish(self) -> None:
        """Wait for what is in flight, and raise BrokenLoad unless every member has got every message once."""
        self._drain()
        if any(inbox.received != self._progress.sent for _, _, inbox in self._members.values()):
            raise BrokenLoad("the members did not receive all the same messages")

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
        """Take what is there; return whether there was anything.

        It asks again and again and never sleeps: to wake a sleeping receiver costs the *sender* about as much as the
        write itself, and only because both happen to be on one machine.
        """
        ready = self._poll.poll(0, _BATCH)
        if not ready:
            if time.perf_counter() > self._heard + _PATIENCE:
                raise BrokenLoad(f"nothing arrived for {_PATIENCE:.0f} s, {self._progress.in_flight} sends in flight")
            return False
        self._heard = time.perf_counter()
        buffer, members, progress, sampled = self._buffer, self._members, self._progress, self._sampled
        for descriptor, _ in ready:
            sock, receive, inbox = members[descriptor]
            size = receive(buffer)
            if not size:
                raise BrokenLoad("the server closed a member's connection")
            before = inbox.received
            if descriptor in sampled:
                self._time(inbox.messages(buffer, size))
            else:
                inbox.count(buffer, size)
            if inbox.others:
                self._answer(sock, inbox)
            complete = progress.complete
            if inbox.received != before and progress.deliver(before, inbox.received - before):
                now = time.perf_counter()
                self._window.room_latencies += [now - at for at in self._sent_at[complete : progress.complete]]
        return True

    def _time(self, payloads: list[bytes]) -> None:
        now = time.perf_counter()
        for payload in payloads:
            if found := self._number.search(payload):
                self._window.latencies.append(now - self._sent_at[int(found[1])])

    def _answer(self, sock: socket.socket, inbox: Inbox) -> None:
        for opcode, payload in inbox.others:
            if opcode == PING:
                sock.sendall(client_frame(payload, PONG))
            elif opcode == CLOSE or (opcode == TEXT and b'"type":"error"' in payload):
                raise BrokenLoad(f"the server said: {payload.decode(errors='replace')}")
        inbox.others.clear()
