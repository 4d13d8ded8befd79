"""Requests at the level of HTTP/1.1: Host, pipelining, the bound of the headers, HEAD, and `/ws` without an upgrade."""

import json
import socket
from collections.abc import Iterator

import pytest

from support.accounts import Account, register
from support.raw_socket import UPGRADE, RawSocket
from support.server import RunningServer

GET = "GET /readyz HTTP/1.1\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer() as running:
        yield running


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    return register(server.url)


def statuses(server: RunningServer, request: str | bytes) -> list[int]:
    """Return the statuses of all responses that the server sends until it closes the connection."""
    with RawSocket(server.port) as raw:
        raw.send(request.encode("latin-1") if isinstance(request, str) else request)
        answer = raw.read_to_end()
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


HOSTS = {
    "none": "",
    "two": "Host: x\r\nHost: x\r\n",
    "two that differ": "Host: x\r\nhost: y\r\n",
    "two names": "Host: x, y\r\n",
    "empty": "Host:\r\n",
    "a path": "Host: x/y\r\n",
    "a user": "Host: u@x\r\n",
    "a space": "Host: x y\r\n",
    "a port that is no number": "Host: x:y\r\n",
}


@pytest.mark.parametrize("path", ["/healthz", "/api/me", "/", "/nothing"])
@pytest.mark.parametrize("hosts", HOSTS.values(), ids=HOSTS.keys())
def test_request_without_exactly_one_valid_host_is_rejected(server: RunningServer, path: str, hosts: str) -> None:
    assert statuses(server, f"GET {path} HTTP/1.1\r\n{hosts}\r\n") == [400]


@pytest.mark.parametrize("hosts", HOSTS.values(), ids=HOSTS.keys())
def test_handshake_without_exactly_one_valid_host_is_rejected(server: RunningServer, hosts: str) -> None:
    upgrade = UPGRADE.replace("Host: 127.0.0.1\r\n", hosts)
    assert statuses(server, f"GET /ws HTTP/1.1\r\n{upgrade}\r\n") == [400]


@pytest.mark.parametrize(
    "host", ["x", "x:80", "127.0.0.1:8000", "[::1]", "[::1]:8000", "my_service", "xn--caf-dma.fr."]
)
def test_valid_host_is_accepted(server: RunningServer, host: str) -> None:
    assert statuses(server, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n") == [200]


def test_http_1_0_needs_no_host(server: RunningServer) -> None:
    """Health checks of load balancers use it (RFC 9112 §3.2 requires the header of HTTP/1.1 only)."""
    assert statuses(server, "GET /healthz HTTP/1.0\r\n\r\n") == [200]


@pytest.mark.parametrize("version", ["13", "8"])
@pytest.mark.parametrize("before", [1, 2, 3])
def test_handshake_behind_a_pipelined_request_is_rejected_after_its_response(
    server: RunningServer, account: Account, before: int, version: str
) -> None:
    """The response met a closed transport: 7.1 KB of log for each attempt, 1.1 MB/s, without a login."""
    since = len(server.log)
    requests = f"{GET}Host: x\r\n\r\n".encode() * before
    handshake = RawSocket.request(account.access_token).replace(b"Version: 13", f"Version: {version}".encode())
    for _ in range(5):
        assert statuses(server, requests + handshake) == [200] * before + [400]
    assert server.log[since:] == ""


@pytest.mark.parametrize("reset", [True, False])
def test_client_that_leaves_before_pipelined_responses_causes_no_log(server: RunningServer, reset: bool) -> None:
    since = len(server.log)
    for _ in range(20):
        with RawSocket(server.port) as raw:
            if reset:
                raw.reset_on_close()
            raw.send(f"{GET}Host: x\r\n\r\n".encode() * 5)
    assert statuses(server, f"{GET}Host: x\r\nConnection: close\r\n\r\n") == [200]
    assert server.log[since:] == ""


@pytest.mark.parametrize("token", ["valid", "bad"])
@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 50, b"\x88\x80\0\0\0\0", b""])
def test_data_before_the_response_to_a_handshake_causes_no_log(
    server: RunningServer, account: Account, token: str, data: bytes
) -> None:
    """A client must wait for the response (RFC 6455 §4.1). One that does not caused a trace in the log."""
    since = len(server.log)
    request = RawSocket.request(account.access_token if token == "valid" else "bad")
    for reset in (True, False) * 5:
        with RawSocket(server.port) as raw:
            raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.send(request)
            for _ in range(3):
                try:
                    raw.send(data)
                except ConnectionError:
                    break
            if reset:
                raw.reset_on_close()
            else:
                raw.half_close()
    assert statuses(server, f"{GET}Host: x\r\nConnection: close\r\n\r\n") == [200]
    assert "Traceback" not in server.log[since:]


@pytest.mark.parametrize("size", [4_000, 8_200, 16_000, 25_000, 32_000])
def test_headers_within_the_bound_pass_on_http_and_on_a_handshake(
    server: RunningServer, account: Account, size: int
) -> None:
    cookie = f"Cookie: a={'b' * size}\r\n"
    assert statuses(server, f"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{cookie}\r\n") == [200]
    RawSocket.upgraded(server.port, account.access_token, extra=cookie).close()


@pytest.mark.parametrize("size", [33_000, 60_000])
def test_headers_beyond_the_bound_are_rejected_on_http_and_on_a_handshake(
    server: RunningServer, account: Account, size: int
) -> None:
    cookie = f"Cookie: a={'b' * size}\r\n"
    assert statuses(server, f"GET /healthz HTTP/1.1\r\nHost: x\r\n{cookie}\r\n") == [431]
    assert statuses(server, RawSocket.request(account.access_token, extra=cookie)) == [431]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_head_is_answered_like_get(server: RunningServer, path: str) -> None:
    assert statuses(server, f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") == [200]


WITHOUT_UPGRADE = {
    "neither header": ("Connection: close\r\n", ["Connection", "Upgrade"]),
    "no Connection": ("Upgrade: websocket\r\n", ["Connection"]),
    "no Upgrade": ("Connection: upgrade\r\n", ["Upgrade"]),
    "another Upgrade": ("Connection: upgrade\r\nUpgrade: h2c\r\n", ["Upgrade"]),
}


@pytest.mark.parametrize(("headers", "missing"), WITHOUT_UPGRADE.values(), ids=WITHOUT_UPGRADE.keys())
def test_ws_without_an_upgrade_names_the_missing_headers(
    server: RunningServer, headers: str, missing: list[str]
) -> None:
    """This is what arrives through a proxy that is not configured for WebSockets."""
    since = len(server.log)
    with RawSocket(server.port) as raw:
        raw.send(
            f"GET /ws HTTP/1.1\r\nHost: x\r\n{headers}Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        head, _, body = raw.read_to_end().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 426 ")
    assert b"upgrade: websocket" in head.lower()
    message = json.loads(body)["error"]["message"]
    line = server.wait_for_output("handshake without an upgrade.*\n", since=since)[0]
    for name in ("Connection", "Upgrade"):
        assert (f"{name}:" in message) == (name in missing)
        assert (f"{name}:" in line) == (name in missing)


def test_ws_has_no_other_method(server: RunningServer) -> None:
    assert statuses(server, "POST /ws HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") == [405]
