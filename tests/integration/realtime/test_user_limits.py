"""What a user may send and read: a new socket does not bring a new allowance."""

import time

from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket, Frame

LARGE_TEXT = "漢" * 4000
LARGE_MESSAGES = 45
SENDS_PER_10S = 20


def sends_until_rejected(server: RunningServer, account: Account) -> int:
    """Open a socket and send until a message is rejected; return how many were accepted."""
    accepted = 0
    with ChatSocket(server.ws_url, account.access_token) as chat:
        while (reply := chat.send("hello"))["type"] == "ack":
            accepted += 1
    assert reply["code"] == "rate_limited"
    return accepted


def test_client_that_reconnects_sends_no_more_than_one_that_stays() -> None:
    """With two processes the sockets are opened in either of them."""
    with RunningServer(workers=2) as server:
        account = register(server.url)
        started_at = time.monotonic()
        accepted = sum(sends_until_rejected(server, account) for _ in range(8))
        assert accepted <= SENDS_PER_10S + SENDS_PER_10S / 10 * (time.monotonic() - started_at) + 1


def read_until_rejected(chat: ChatSocket) -> tuple[int, Frame]:
    """Read the same history until a read is rejected; return the bytes that were read, and the rejection."""
    size = 0
    while (reply := chat.command("history", room="lobby", before=1000, limit=200))["type"] == "history":
        size += len(chat.raw[-1].encode())
        chat.raw.clear()
        chat.frames.clear()
    return size, reply


def test_reads_of_a_user_are_limited_in_bytes_across_sockets() -> None:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "1000"}) as server:
        reader, other = register(server.url), register(server.url)
        with ChatSocket(server.ws_url, reader.access_token) as chat:
            for _ in range(LARGE_MESSAGES):
                assert chat.send(LARGE_TEXT)["type"] == "ack"
            size, rejection = read_until_rejected(chat)
            assert 60e6 < size < 150e6
            assert (rejection["code"], rejection["retryable"]) == ("rate_limited", True)
            assert 0 < rejection["retry_after_ms"] < 2000
        with ChatSocket(server.ws_url, reader.access_token) as chat:
            for _ in range(4):  # an earlier rejection may have waited for its end already
                rejection = chat.join(limit=500)
                if rejection["type"] == "error":
                    break
            assert rejection["code"] == "rate_limited"
            assert chat.send("still allowed")["type"] == "ack"
        with ChatSocket(server.ws_url, other.access_token) as chat:
            assert chat.join()["type"] == "joined"
            assert chat.command("history", room="lobby", before=1000)["type"] == "history"
