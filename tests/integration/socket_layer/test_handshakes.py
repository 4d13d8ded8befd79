"""Requests that are too large, too slow or not a handshake: they are answered or aborted, and freed."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from support.accounts import Account
from support.process_usage import client_sockets, resident_bytes
from support.processes import wait_until
from support.raw_socket import UPGRADE, RawSocket
from support.server import RunningServer
from support.socket import ChatSocket

REJECTED = {
    "129 headers": (f"GET /ws HTTP/1.1\r\n{UPGRADE}" + "a: b\r\n" * 129 + "\r\n", 431),
    "a line of 33 KiB": (f"GET /ws HTTP/1.1\r\n{UPGRADE}a: {'b' * 33_792}\r\n\r\n", 431),
    "a line of 900 KiB": (f"GET /ws HTTP/1.1\r\n{UPGRADE}a: {'b' * 921_600}\r\n\r\n", 431),
    "a head of 40 KiB": (f"GET /ws HTTP/1.1\r\n{UPGRADE}" + f"a: {'b' * 4000}\r\n" * 10 + "\r\n", 431),
    "a URL of 9 KiB": (f"GET /ws?{'b' * 9216} HTTP/1.1\r\n{UPGRADE}\r\n", 414),
    "no key": ("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 400),
    "another version": (f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n".replace("Version: 13", "Version: 8"), 426),
    "a body": (f"GET /ws HTTP/1.1\r\nContent-Length: 3\r\n{UPGRADE}\r\nabc", 400),
    "a chunked body": (f"GET /ws HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{UPGRADE}\r\n3\r\nabc\r\n0\r\n\r\n", 400),
    "another path": (f"GET /elsewhere HTTP/1.1\r\n{UPGRADE}\r\n", 404),
    "no subprotocol": (f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n", 400),
    "no token": (f"GET /ws HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Protocol: cloudchat.v1\r\n\r\n", 401),
    "a bare line feed in a name": ("GET /ws HTTP/1.1\r\nHost: x\r\nbad\nname: x\r\n\r\n", 400),
    "no HTTP": ("\x16\x03\x01\x02\x00\x01\x00", 400),
    "GET with 20,000 headers": ("GET /healthz HTTP/1.1\r\nHost: x\r\n" + "a: b\r\n" * 20_000 + "\r\n", 431),
    "GET with a URL of 1 MiB": (f"GET /{'b' * (1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n", 414),
}


@pytest.mark.parametrize(("request_", "status"), REJECTED.values(), ids=REJECTED.keys())
def test_invalid_request_is_answered_and_freed(
    server: RunningServer, request_: str, status: int, all_freed: Callable[[], None]
) -> None:
    with ExitStack() as opened:
        sockets = [opened.enter_context(RawSocket(server.port)) for _ in range(10)]
        for raw in sockets:
            raw.flood(request_.encode("latin-1"))
        for raw in sockets:
            assert raw.read_to_end().startswith(f"HTTP/1.1 {status} ".encode())
        all_freed()  # while the clients keep their ends open


def test_post_request_cannot_be_upgraded(server: RunningServer, all_freed: Callable[[], None]) -> None:
    with RawSocket(server.port) as raw:
        raw.send(f"POST /ws HTTP/1.1\r\nContent-Length: 3\r\n{UPGRADE}\r\nabc".encode())
        assert raw.read_head().startswith(b"HTTP/1.1 405")
        all_freed()


SLOW = {
    "nothing": b"",
    "empty lines": b"\r\n",
    "half a request line": b"GET /ws HT",
    "half a handshake": f"GET /ws HTTP/1.1\r\n{UPGRADE}".encode(),
    "half a body": b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 40\r\n\r\n{",
    "half a chunk": b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n40\r\n{",
    "empty lines after a request": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\r\n",
    "half a second request": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /",
    "a rejected body that continues": b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 999999999\r\n\r\n{",
}


def test_incomplete_request_is_aborted_after_ten_seconds(
    server: RunningServer, bystander: ChatSocket, all_freed: Callable[[], None]
) -> None:
    """Slowloris: each connection sends one byte every half second, so it is never idle."""
    memory, before = resident_bytes(server.pid), client_sockets(server.pid, server.port)
    with ExitStack() as opened:
        sockets = [(kind, opened.enter_context(RawSocket(server.port))) for kind in SLOW for _ in range(20)]
        began = time.monotonic()
        for kind, raw in sockets:
            raw.send(SLOW[kind])
        open_sockets = list(sockets)

        def trickle() -> bool:
            for kind, raw in list(open_sockets):
                if kind == "nothing":
                    continue
                try:
                    raw.send(b"\n" if kind.startswith("empty") else b"a")
                except ConnectionError:
                    open_sockets.remove((kind, raw))
            time.sleep(0.5)
            return client_sockets(server.pid, server.port) <= before

        wait_until(trickle, f"all to be aborted except {open_sockets}", seconds=20)
        assert time.monotonic() - began > 5  # slow requests are not aborted immediately
    all_freed()
    assert resident_bytes(server.pid) - memory < 20 << 20


def test_handshake_ends_when_the_store_never_answers(
    attacker: Account, server: RunningServer, all_freed: Callable[[], None]
) -> None:
    os.kill(server.store_pid, signal.SIGSTOP)
    try:
        with ExitStack() as opened:
            sockets = [opened.enter_context(RawSocket(server.port)) for _ in range(5)]
            for raw in sockets:
                raw.send(RawSocket.request(attacker.access_token))
            for raw in sockets:
                assert raw.read_to_end(15)[:12] in (b"HTTP/1.1 503", b"")
            all_freed()
    finally:
        os.kill(server.store_pid, signal.SIGCONT)


def test_pipelined_requests_are_not_all_buffered(server: RunningServer, all_freed: Callable[[], None]) -> None:
    memory = resident_bytes(server.pid)
    with ExitStack() as opened:
        for _ in range(20):
            raw = opened.enter_context(RawSocket(server.port))
            raw.flood(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000)
        all_freed()
    assert resident_bytes(server.pid) - memory < 30 << 20
