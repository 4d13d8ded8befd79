"""Floods, and clients that do not read: memory and descriptors stay bounded, and other users are not affected."""

import json
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from support.accounts import Account, register
from support.process_usage import resident_bytes
from support.processes import wait_until
from support.raw_socket import CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, frame, text
from support.server import RunningServer
from support.socket import ChatSocket

MIB = 1 << 20


@contextmanager
def memory_within(server: RunningServer, max_bytes: int) -> Iterator[Callable[[], None]]:
    """Assert that the server's memory grows by less than `max_bytes`, at the end and at each call of `check`."""
    before = resident_bytes(server.pid)

    def check() -> None:
        grown = resident_bytes(server.pid) - before
        assert grown < max_bytes, f"{grown / MIB:.1f} MiB more"

    yield check
    check()


def test_client_that_pings_and_never_reads_is_aborted(
    server: RunningServer, attacker: Account, bystander: ChatSocket, all_freed: Callable[[], None]
) -> None:
    """Without the limit, one connection made the server buffer 92 MB in four seconds."""
    with memory_within(server, 16 * MIB) as check:
        raw = RawSocket.upgraded(server.port, attacker.access_token, receive_buffer=4096)
        with raw:
            flood = frame(PING, bytes(125)) * 8000
            for _ in range(100):  # 100 MiB, unless the connection is aborted earlier
                if raw.flood(flood, 1.0) < len(flood):
                    break
                check()
            all_freed()


@pytest.mark.parametrize("opcode", [PING, PONG], ids=["pings", "pongs"])
def test_flood_of_control_frames_closes_with_4429(
    server: RunningServer, attacker: Account, bystander: ChatSocket, opcode: int
) -> None:
    """The limits on messages do not apply to control frames; without their own limit they kept the loop busy."""
    with RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.flood(frame(opcode) * 100_000, 1.0)
        answer = raw.close_frame()
        assert answer is not None
        assert answer.close_code == 4429


def test_flood_of_empty_fragments_closes_with_1009(
    server: RunningServer, attacker: Account, bystander: ChatSocket
) -> None:
    """Each fragment costs the client two bytes and a mask, the server a list item: 1.9 million without the limit."""
    with memory_within(server, 8 * MIB), RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.flood(frame(TEXT, final=False) + frame(CONTINUATION, final=False) * 2_000_000, 1.0)
        answer = raw.close_frame()
        assert answer is not None
        assert answer.close_code == 1009


def test_flood_of_tiny_messages_from_a_client_that_never_reads_is_aborted(
    server: RunningServer, attacker: Account, bystander: ChatSocket, all_freed: Callable[[], None]
) -> None:
    """Without the limit, 18,000 messages were queued. It applies before parsing: errors first, then the close."""
    with (
        memory_within(server, 8 * MIB),
        RawSocket.upgraded(server.port, attacker.access_token, receive_buffer=4096) as raw,
    ):
        raw.flood(text('{"type":"ping"}') * 200_000, 1.0)
        all_freed()


def test_flood_of_tiny_messages_gets_errors_and_then_closes_with_4429(server: RunningServer, attacker: Account) -> None:
    with RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.flood(text('{"type":"ping"}') * 2000, 1.0)
        errors = 0
        while (found := raw.read_frame()) is not None and found.close_code is None:
            errors += b'"rate_limited"' in found.payload
        assert found is not None
        assert found.close_code == 4429
        assert errors >= 20


@pytest.fixture(scope="module")
def fast_ping_server() -> Iterator[RunningServer]:
    """A server that sends a ping every second."""
    with RunningServer(environment={"CLOUDCHAT_PING_SECONDS": "1"}) as running:
        yield running


def test_client_that_answers_no_ping_is_aborted(fast_ping_server: RunningServer) -> None:
    account = register(fast_ping_server.url)
    account.http.close()
    with RawSocket.upgraded(fast_ping_server.port, account.access_token) as silent:
        while (found := silent.read_frame()) is not None and found.opcode != PING:
            pass
        assert found is not None
        silent.read_to_end(10)


def test_client_that_requests_history_and_never_reads_is_aborted(fast_ping_server: RunningServer) -> None:
    """It requests the whole room repeatedly and reads nothing, so it is never idle."""
    writer, stalled = register(fast_ping_server.url), register(fast_ping_server.url)
    with ChatSocket(fast_ping_server.ws_url, writer.access_token) as chat:
        chat.join()
        for _ in range(15):
            assert chat.send("x" * 4000)["type"] == "ack"
        with (
            memory_within(fast_ping_server, 12 * MIB),
            RawSocket.upgraded(fast_ping_server.port, stalled.access_token, receive_buffer=4096) as raw,
        ):
            raw.send(text('{"type":"join","room":"lobby"}'))
            request = text('{"type":"history","room":"lobby","before":1000000,"limit":200}')

            def request_again() -> bool:
                raw.flood(request, 0.01)
                return is_closed(raw)

            wait_until(request_again, "the stalled client to be aborted", 20)
        assert chat.send("others are not affected")["type"] == "ack"
    for account in (writer, stalled):
        account.http.close()


@pytest.mark.parametrize("ending", ["close frame", "half-close"])
def test_client_that_never_reads_and_closes_is_freed(
    server: RunningServer, attacker: Account, bystander: ChatSocket, all_freed: Callable[[], None], ending: str
) -> None:
    """The answer cannot be flushed. Without a timeout, descriptor, buffer and slots were kept forever."""
    for _ in range(15):
        assert bystander.send("x" * 4000)["type"] in ("ack", "error")
    with RawSocket.upgraded(server.port, attacker.access_token, receive_buffer=4096) as raw:
        raw.send(text('{"type":"join","room":"lobby"}'))
        for _ in range(120):  # 7 MB: more than the kernel takes
            raw.send(text('{"type":"history","room":"lobby","before":1000000,"limit":200}'))
            bystander.command("history", room="lobby", before=1_000_000, limit=1)
        if ending == "close frame":
            raw.send(frame(CLOSE, (1000).to_bytes(2)))
        else:
            raw.half_close()
        all_freed()


def is_closed(raw: RawSocket) -> bool:
    """Return whether the server has closed the connection, without reading from it."""
    established = 1
    state: int = raw.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != established


def test_sigterm_stops_a_server_with_stalled_readers() -> None:
    """Three stalled readers, each with more buffered data than the kernel takes. Without a timeout the server hung."""
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "10000"}) as server:
        account = register(server.url)
        account.http.close()
        with ChatSocket(server.ws_url, account.access_token) as chat, ExitStack() as opened:
            chat.join()
            for _ in range(3):
                raw = RawSocket.upgraded(server.port, account.access_token, receive_buffer=4096)
                opened.enter_context(raw).send(text('{"type":"join","room":"lobby"}'))
            for _ in range(50):  # 4 MB in all: more than a send buffer and the kernel's buffers
                for _ in range(20):
                    command = {"type": "send", "room": "lobby", "cid": str(uuid.uuid4()), "text": "x" * 4000}
                    chat.send_raw(json.dumps(command))
                for _ in range(20):
                    chat.wait_for("ack")
            assert server.terminate() == 0


HOSTILE = [
    '"\\ud800"',
    '"\\u0000"',
    "1e999",
    "NaN",
    "9" * 5000,
    "[" * 10_000 + "]" * 10_000,
    '{"a":' * 5000 + "1" + "}" * 5000,
    '"' + "\\u202e" * 100 + '"',
    "null",
    "-0.0",
    '"\\u001b[2J"',
    '{"__proto__":{"admin":true}}',
]


def test_hostile_values_are_rejected_and_affect_no_other_user(
    server: RunningServer, attacker: Account, bystander: ChatSocket
) -> None:
    """Without validation, one lone surrogate in a message broke the delivery to every member."""
    fields = ("text", "room", "cid", "reply_to", "id", "type", "token", "after", "extra")
    with ChatSocket(server.ws_url, attacker.access_token) as chat:
        chat.wait_for("welcome")
        for value in HOSTILE:
            for field in fields:
                command = {"type": '"send"', "room": '"lobby"', "cid": f'"{uuid.uuid4()}"', "text": '"x"', field: value}
                body = ",".join(f'"{name}":{content}' for name, content in command.items())
                with ChatSocket(server.ws_url, attacker.access_token) as one:
                    one.wait_for("welcome")
                    one.send_raw("{" + body + "}")
                    assert one.receive()["type"] in ("error", "ack"), (field, value[:40])
        assert chat.command("ping")["type"] == "pong"


def test_query_strings_are_never_logged(attacker: Account, server: RunningServer) -> None:
    with RawSocket(server.port) as raw:
        raw.send(RawSocket.request(attacker.access_token, path="/ws?token=sesame-open"))
        assert raw.read_head().startswith(b"HTTP/1.1 101")
    with RawSocket(server.port) as raw:
        raw.send(b"GET /ws?token=sesame-open HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        raw.read_to_end()
    for path in ("/api/me", "/nothing", "/readyz"):
        httpx.get(f"{server.url}{path}?token=sesame-open")
    assert not re.search("sesame", server.log)
