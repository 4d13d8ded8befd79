"""Clients that use up all file descriptors: the store can still be reached again."""

import resource
import time
from contextlib import ExitStack

from support.accounts import register
from support.raw_socket import RawSocket
from support.server import RunningServer
from support.socket import ChatSocket

LIMIT = 256


def test_lost_store_connections_are_reopened_while_clients_hold_all_other_descriptors() -> None:
    """Without the reserve each `send` was answered `unavailable` until clients released descriptors."""
    with RunningServer() as server, ExitStack() as opened:
        account = register(server.url)
        chat = opened.enter_context(ChatSocket(server.ws_url, account.access_token))
        chat.join()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        crowd = [opened.enter_context(RawSocket(server.port)) for _ in range(LIMIT)]
        assert crowd[-1].read_head().startswith(b"HTTP/1.1 503 ")
        assert chat.send("before")["type"] == "ack"
        old_store = server.kill_store()
        crowd += [opened.enter_context(RawSocket(server.port)) for _ in range(LIMIT)]
        server.wait_for_new_store(old_store)
        deadline = time.monotonic() + 8  # the crowd is disconnected after ten seconds without a request
        while (answer := chat.send("after"))["type"] != "ack":
            assert time.monotonic() < deadline, answer
            time.sleep(answer["retry_after_ms"] / 1000)


def test_sockets_are_refused_before_requests() -> None:
    limits = {"CONNECT_USER_RATE": "6000/minute", "SOCKETS_PER_USER": "1000", "SOCKETS_PER_ADDRESS": "1000"}
    environment = {f"CLOUDCHAT_{name}": value for name, value in limits.items()}
    with RunningServer(environment=environment) as server, ExitStack() as opened:
        account = register(server.url)
        account.http.close()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        for _ in range(LIMIT):
            raw = opened.enter_context(RawSocket(server.port))
            raw.send(RawSocket.request(account.access_token))
            head = raw.read_head()
            if head.startswith(b"HTTP/1.1 503 "):
                break
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1" in head
        raw = opened.enter_context(RawSocket(server.port))
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.read_head().startswith(b"HTTP/1.1 200 ")
