"""Forwarded headers are used from trusted proxies only: for limits, for the audit log and for log lines."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import unix_connect
from websockets.typing import Subprotocol

from support.accounts import PASSWORD, Account, register
from support.raw_socket import UPGRADE
from support.server import RunningServer
from support.socket import ChatSocket

RATE = 3
LIMITS = {
    "CLOUDCHAT_LOGIN_RATE": f"{RATE}/minute",
    "CLOUDCHAT_CONNECT_RATE": f"{RATE}/minute",
    "CLOUDCHAT_REGISTRATION": "open",
}
HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP")


@pytest.fixture(scope="module")
def direct() -> Iterator[RunningServer]:
    with RunningServer(environment=LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def ann(direct: RunningServer) -> Iterator[Account]:
    account = register(direct.url)
    yield account
    account.http.close()


@pytest.fixture
def proxied() -> Iterator[RunningServer]:
    with RunningServer(environment={**LIMITS, "CLOUDCHAT_TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1"}) as running:
        yield running


def sign_in(server: RunningServer, account: Account, **headers: str) -> httpx.Response:
    body = {"username": account.name, "password": PASSWORD}
    return httpx.post(f"{server.url}/api/auth/login", json=body, headers=headers, verify=False, timeout=20)


def handshake_status(server: RunningServer, account: Account, **headers: str) -> int:
    """Try to open a socket. Return 101, or the HTTP status of the rejection."""
    try:
        ChatSocket(server.ws_url, account.access_token, headers=headers).close()
    except InvalidStatus as rejected:
        return rejected.response.status_code
    return 101


def test_spoofed_headers_are_ignored(direct: RunningServer, ann: Account) -> None:
    spoofed = [dict.fromkeys(HEADERS, f"198.51.100.{n}") | {"X-Forwarded-Proto": "https"} for n in range(2 * RATE + 1)]
    responses = [sign_in(direct, ann, **headers) for headers in spoofed]
    assert responses[-1].status_code == 429  # the real address was counted; new addresses would never reach the limit
    assert "strict-transport-security" not in responses[0].headers
    assert 429 in [handshake_status(direct, ann, **headers) for headers in spoofed]
    assert "198.51.100." not in direct.log
    for denial in (r"limit hit .*route=/api/auth/login", r"socket refused .*status=429"):
        assert re.search(rf"{denial} .*address=127\.0\.0\.1$", direct.log, re.MULTILINE)


def test_each_client_behind_a_trusted_proxy_has_its_own_limit(proxied: RunningServer) -> None:
    account = register(proxied.url)

    def forwarded(address: str) -> dict[str, str]:
        return {"X-Forwarded-For": f"203.0.113.77, {address}, 10.1.2.3", "X-Forwarded-Proto": "https"}

    responses = [sign_in(proxied, account, **forwarded("198.51.100.1")) for _ in range(2 * RATE + 1)]
    assert responses[-1].status_code == 429
    assert "strict-transport-security" in responses[0].headers
    assert sign_in(proxied, account, **forwarded("198.51.100.2")).status_code == 200
    assert 429 in [handshake_status(proxied, account, **forwarded("198.51.100.1")) for _ in range(2 * RATE + 1)]
    assert handshake_status(proxied, account, **forwarded("198.51.100.2")) == 101
    upgrade = dict(line.split(": ") for line in UPGRADE.splitlines()) | forwarded("198.51.100.3")
    no_socket = httpx.get(f"{proxied.url}/ws", headers=upgrade, verify=False)
    assert (no_socket.status_code, "strict-transport-security" in no_socket.headers) == (400, True)
    assert "action=session.open" in proxied.log
    assert "address=198.51.100.2" in proxied.log
    assert "203.0.113.77" not in proxied.log


def test_too_many_handshakes_get_retry_after(direct: RunningServer, ann: Account) -> None:
    def open_many() -> None:
        for _ in range(2 * RATE + 1):
            ChatSocket(direct.ws_url, ann.access_token).close()

    with pytest.raises(InvalidStatus) as refused:
        open_many()
    response = refused.value.response
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    error = json.loads(response.body or b"")["error"]
    assert (error["code"], error["retryable"]) == ("rate_limited", True)
    assert error["retry_after_ms"] >= 1000


def test_handshakes_of_one_user_are_limited_across_addresses() -> None:
    environment = {"CLOUDCHAT_CONNECT_USER_RATE": f"{RATE}/minute", "CLOUDCHAT_TRUSTED_PROXIES": "127.0.0.1"}
    with RunningServer(environment=environment) as server:
        ann, ben = register(server.url), register(server.url)
        statuses = [handshake_status(server, ann, **{"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(RATE + 1)]
        assert statuses == [101] * RATE + [429]
        assert handshake_status(server, ben) == 101


def test_the_proxy_on_a_unix_socket_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "cloudchat.sock"
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(str(path))
        held.listen()
        environment = {**LIMITS, "CLOUDCHAT_ALLOWED_ORIGINS": "https://chat.example"}
        running = RunningServer(
            arguments=["--fd", str(held.fileno())], pass_fds=[held.fileno()], environment=environment
        )
        try:
            running.start(wait=False)
            running.wait_for_output(f"open on the socket {path}")
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://chat.example") as http:
                person = {"username": "ann", "password": PASSWORD}
                assert http.post("/api/auth/register", json=person).status_code == 201
                forwarded_headers = {"X-Forwarded-For": "203.0.113.77, 198.51.100.1", "X-Forwarded-Proto": "https"}
                response = http.post("/api/auth/login", json=person, headers=forwarded_headers)
                assert response.status_code == 200
                assert "strict-transport-security" in response.headers
            with (
                unix_connect(
                    str(path),
                    "ws://chat.example/ws",
                    subprotocols=[Subprotocol("cloudchat.v1"), Subprotocol("cloudchat.token.nothing")],
                    additional_headers={"X-Forwarded-For": "198.51.100.2"},
                ) as opened,
                pytest.raises(ConnectionClosed) as closed,
            ):
                opened.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
        finally:
            running.close()
        lines = [json.loads(line) for line in running.log.splitlines() if line.startswith("{")]
        accepted = next(line for line in lines if line.get("action") == "session.open")
        assert accepted["address"] == "198.51.100.1"
        refused_socket = next(line for line in lines if line["event"] == "socket refused")
        assert (refused_socket["address"], refused_socket["status"]) == ("198.51.100.2", 401)
