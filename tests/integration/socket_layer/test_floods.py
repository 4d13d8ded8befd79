"""Floods, and readers that do not read: memory and descriptors stay bounded, and everybody else chats on."""

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
def memory_within(server: RunningServer, most: int) -> Iterator[Callable[[], None]]:
    """The server's memory must not grow by more than `most` bytes, at the end, and whenever asked."""
    before = resident_bytes(server.pid)

    def look() -> None:
        grown = resident_bytes(server.pid) - before
        assert grown < most, f"{grown / MIB:.1f} MiB more"

    yield look
    look()


def test_pings_whose_pongs_nobody_reads(
    server: RunningServer, attacker: Account, bystander: ChatSocket, all_freed: Callable[[], None]
) -> None:
    """92 MB in four seconds from one connection, before."""
    with memory_within(server, 16 * MIB) as look:
        raw = RawSocket.upgraded(server.port, attacker.access_token, receive_buffer=4096)
        with raw:
            flood = frame(PING, bytes(125)) * 8000
            for _ in range(100):  # 100 MiB, unless it is cut earlier
                if raw.flood(flood, 1.0) < len(flood):
                    break
                look()
            all_freed()


@pytest.mark.parametrize("opcode", [PING, PONG], ids=["pings", "pongs"])
def test_control_frames_from_somebody_who_reads_everything(
    server: RunningServer, attacker: Account, bystander: ChatSocket, opcode: int
) -> None:
    """They cost no message, so no limit on messages holds them: the loop was busy with nothing else."""
    with RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.flood(frame(opcode) * 100_000, 1.0)
        answer = raw.close_frame()
        assert answer is not None
        assert answer.close_code == 4429


def test_empty_fragments(server: RunningServer, attacker: Account, bystander: ChatSocket) -> None:
    """Two bytes and a mask each for the sender, a list item each for the server: 1.9 million of them, before."""
    with memory_within(server, 8 * MIB), RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.flood(frame(TEXT, final=False) + frame(CONTINUATION, final=False) * 2_000_000, 1.0)
        answer = raw.close_frame()
        assert answer is not None
        assert answer.close_code == 1009


def test_tiny_messages_from_somebody_who_reads_nothing(
    server: RunningServer, attacker: Account, bystander: ChatSocket, all_freed: Callable[[], None]
) -> None:
    """18,000 were queued, before. Now they are judged before they are parsed, warned about, and then closed."""
    with (
        memory_within(server, 8 * MIB),
        RawSocket.upgraded(server.port, attacker.access_token, receive_buffer=4096) as raw,
    ):
        raw.flood(text('{"type":"ping"}') * 200_000, 1.0)
        all_freed()


def test_tiny_messages_end_in_4429_after_warnings(server: RunningServer, attacker: Account) -> None:
    with RawSocket.upgraded(server.port, attacker.access_token) as raw:
        raw.flood(text('{"type":"ping"}') * 2000, 1.0)
        warnings = 0
        while (found := raw.read_frame()) is not None and found.close_code is None:
            warnings += b'"rate_limited"' in found.payload
        assert found is not None
        assert found.close_code == 4429
        assert warnings >= 20


@pytest.fixture(scope="module")
def impatient() -> Iterator[RunningServer]:
    """A server that pings each second."""
    with RunningServer(environment={"CLOUDCHAT_PING_SECONDS": "1"}) as running:
        yield running


def test_who_answers_no_ping_is_cut(impatient: RunningServer) -> None:
    account = register(impatient.url)
    account.http.close()
    with RawSocket.upgraded(impatient.port, account.access_token) as silent:
        while (found := silent.read_frame()) is not None and found.opcode != PING:
            pass
        assert found is not None
        silent.read_to_end(10)


def test_a_reader_that_stalls_costs_little_and_is_cut(impatient: RunningServer) -> None:
    """It asks for the whole room again and again, reads nothing of it, and never goes idle."""
    writer, stalled = register(impatient.url), register(impatient.url)
    with ChatSocket(impatient.ws_url, writer.access_token) as chat:
        chat.join()
        for _ in range(15):
            assert chat.send("x" * 4000)["type"] == "ack"
        with (
            memory_within(impatient, 12 * MIB),
            RawSocket.upgraded(impatient.port, stalled.access_token, receive_buffer=4096) as raw,
        ):
            raw.send(text('{"type":"join","room":"lobby"}'))
            ask = text('{"type":"history","room":"lobby","before":1000000,"limit":500}')

            def ask_again_until_cut() -> bool:
                raw.flood(ask, 0.01)
                return is_cut(raw)

            wait_until(ask_again_until_cut, "the stalled reader cut", 20)
        assert chat.send("and the others chat on")["type"] == "ack"
    for account in (writer, stalled):
        account.http.close()


@pytest.mark.parametrize("goodbye", ["close frame", "half-close"])
def test_a_reader_that_stalls_and_then_says_goodbye_is_let_go(
    server: RunningServer, attacker: Account, bystander: ChatSocket, all_freed: Callable[[], None], goodbye: str
) -> None:
    """Its answer can't be flushed: descriptor, buffer and its places under all limits were held for ever, before."""
    for _ in range(15):
        assert bystander.send("x" * 4000)["type"] in ("ack", "error")
    with RawSocket.upgraded(server.port, attacker.access_token, receive_buffer=4096) as raw:
        raw.send(text('{"type":"join","room":"lobby"}'))
        for _ in range(120):  # 7 MB: more than the kernel takes
            raw.send(text('{"type":"history","room":"lobby","before":1000000,"limit":500}'))
            bystander.command("history", room="lobby", before=1_000_000, limit=1)
        if goodbye == "close frame":
            raw.send(frame(CLOSE, (1000).to_bytes(2)))
        else:
            raw.socket.shutdown(socket.SHUT_WR)
        all_freed()


def is_cut(raw: RawSocket) -> bool:
    """Whether the server has ended the connection; found out without reading anything."""
    established = 1
    state: int = raw.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != established


def test_sigterm_waits_for_no_reader() -> None:
    """Three stalled readers, of whom each has more waiting than the kernel takes: it used to hang for ever."""
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "10000"}) as server:
        account = register(server.url)
        account.http.close()
        with ChatSocket(server.ws_url, account.access_token) as chat, ExitStack() as opened:
            chat.join()
            for _ in range(3):
                raw = RawSocket.upgraded(server.port, account.access_token, receive_buffer=4096)
                opened.enter_context(raw).send(text('{"type":"join","room":"lobby"}'))
            for _ in range(50):  # 4 MB in all: what a reader may lag behind, and the kernel's buffers
                for _ in range(20):
                    said = {"type": "send", "room": "lobby", "cid": str(uuid.uuid4()), "text": "x" * 4000}
                    chat.send_raw(json.dumps(said))
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


def test_hostile_values_break_neither_the_sender_nor_anybody_else(
    server: RunningServer, attacker: Account, bystander: ChatSocket
) -> None:
    """One lone surrogate in a message broke the sending of everyone, before."""
    fields = ("text", "room", "cid", "reply_to", "id", "type", "token", "after", "extra")
    with ChatSocket(server.ws_url, attacker.access_token) as chat:
        chat.wait_for("welcome")
        for value in HOSTILE:
            for field in fields:
                said = {"type": '"send"', "room": '"lobby"', "cid": f'"{uuid.uuid4()}"', "text": '"x"', field: value}
                body = ",".join(f'"{name}":{content}' for name, content in said.items())
                with ChatSocket(server.ws_url, attacker.access_token) as one:
                    one.wait_for("welcome")
                    one.send_raw("{" + body + "}")
                    assert one.receive()["type"] in ("error", "ack"), (field, value[:40])
        assert chat.command("ping")["type"] == "pong"


def test_what_stands_in_a_query_is_never_logged(attacker: Account, server: RunningServer) -> None:
    with RawSocket(server.port) as raw:
        raw.send(RawSocket.request(attacker.access_token, path="/ws?token=sesame-open"))
        assert raw.read_head().startswith(b"HTTP/1.1 101")
    with RawSocket(server.port) as raw:
        raw.send(b"GET /ws?token=sesame-open HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        raw.read_to_end()
    for path in ("/api/me", "/nothing", "/readyz"):
        httpx.get(f"{server.url}{path}?token=sesame-open")
    assert not re.search("sesame", server.log)
