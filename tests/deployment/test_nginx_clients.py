"""What nginx holds off: forged headers, headers without number, slow clients, too many of them from one address."""

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cloudchat.protocol.close_codes import CloseCode
from support.nginx import DOMAIN, ORIGIN, RunningNginx
from support.processes import wait_until
from support.recording_instance import RecordingInstance
from support.site import SITES, RunningSite, trusted_certificate

SOCKETS = 3
CONNECTS = 4
LOGINS = 3
# Limits whose default takes hundreds of sockets to reach.
VALUES = {
    "limit_conn cloudchat_sockets": str(SOCKETS),
    "limit_req zone=cloudchat_connects": f"burst={CONNECTS} nodelay",
}
FORGED = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Real-IP": "198.51.100.7",
    "X-Client-IP": "198.51.100.7",
    "Forwarded": "for=198.51.100.7",
    "Proxy": "http://evil.example",
}
UPGRADE = (
    f"GET /ws HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: cloudchat.v1\r\n"
    f"Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: {ORIGIN}\r\nAuthorization: Bearer token\r\n"
)


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSite]:
    with RunningSite(values=VALUES, environment={"CLOUDCHAT_LOGIN_RATE": f"{LOGINS}/minute"}) as running:
        yield running


@pytest.fixture(scope="module")
def token(site: RunningSite) -> str:
    return site.register("ann").access_token


def from_address(site: RunningSite, address: str, request: bytes) -> Callable[[], bytes]:
    """Start a request from an address of loopback; returns what reads the answer to its end."""
    tls = site.nginx.connect(site.trust, address)
    tls.sendall(request)

    def answer() -> bytes:
        data = b""
        with tls:
            tls.settimeout(30)  # a restart, on a busy machine
            while chunk := tls.recv(65536):
                data += chunk
        return data

    return answer


def test_of_a_request_cloudchat_sees_what_nginx_knows_and_of_an_upgrade_only_what_it_needs() -> None:
    forged = "".join(f"{name}: {value}\r\n" for name, value in FORGED.items())
    many = "".join(f"X-Number-{number}: {number}\r\n" for number in range(200))
    with RunningNginx() as nginx:
        trust = trusted_certificate(nginx)
        nginx.start(*SITES)
        with RecordingInstance(nginx.socket_path) as instance:
            ordinary = f"GET /api/me HTTP/1.1\r\nHost: {DOMAIN}\r\nX-Other: 1\r\n"
            tunnel = UPGRADE.replace("Upgrade: websocket", "Upgrade: h2c")  # past everything that is checked here
            for number, request in enumerate((ordinary, UPGRADE, tunnel)):
                with nginx.connect(trust, "127.0.0.9") as tls:
                    tls.sendall((request + forged + (many if number else "") + "\r\n").encode())
                    assert tls.recv(1000).startswith(b"HTTP/1.1 400 ")
            plain, upgrade, other = (instance.head(number) for number in range(3))
    for head in (plain, upgrade, other):
        fields = dict(head)
        assert len(fields) == len(head)
        assert (fields["host"], fields["x-forwarded-for"], fields["x-forwarded-proto"]) == (
            DOMAIN,
            "127.0.0.9",
            "https",
        )
        assert not {"x-real-ip", "x-client-ip", "x-forwarded-host", "x-forwarded-port", "forwarded", "proxy"} & set(
            fields
        )
    assert dict(plain)["x-other"] == "1"
    assert "upgrade" not in dict(plain) | dict(other)
    assert (dict(other)["connection"], dict(upgrade)["upgrade"]) == ("close", "websocket")
    assert {name for name, _ in upgrade} == {
        *("host", "connection", "upgrade", "origin", "authorization"),
        *("x-forwarded-for", "x-forwarded-proto"),
        *("sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"),
    }


def test_forged_headers_change_nothing(site: RunningSite) -> None:
    http = site.nginx.browser_like(site.trust, "127.0.1.2")
    person = {"username": "ann", "password": "not this one, of course"}
    statuses = [
        http.post("/api/auth/login", json=person, headers={**FORGED, "X-Forwarded-For": f"198.51.100.{n}"}).status_code
        for n in range(2 * LOGINS + 1)
    ]
    assert statuses[-1] == 429  # by the real address: with a new one each time nobody would be refused
    other = site.nginx.browser_like(site.trust, "127.0.1.3")
    assert other.post("/api/auth/login", json=person).status_code == 401
    assert '"address": "127.0.1.2"' in site.server.log
    assert "198.51.100." not in site.server.log + site.nginx.access_log
    assert "evil.example" not in site.server.log


def test_an_upgrade_with_200_headers_opens_and_holds_nothing_and_a_request_is_refused(
    site: RunningSite, token: str
) -> None:
    many = {f"X-Number-{number}": "x" for number in range(200)}
    with site.open_socket(token, source="127.0.1.4", headers=many) as opened:
        assert opened.receive()["type"] == "welcome"
    http = site.nginx.browser_like(site.trust, "127.0.1.4")
    assert http.get("/api/me", headers=many).status_code == 431
    assert http.get("/ws", headers={**many, "X-Long": "x" * 9000}).status_code == 431


def test_slow_clients_are_cut() -> None:
    """In the TLS handshake, in the request and in its body: each is left waiting, all at the same time."""
    post = "POST /api/auth/login HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n"
    requests = ["", "GET / HT", f"GET /ws HTTP/1.1\r\nHost: {DOMAIN}\r\n", f"{post}Host: {DOMAIN}\r\n\r\n{{"]
    with (
        RunningNginx(values={"client_header_timeout": "3s", "client_body_timeout": "3s"}) as nginx,
        ExitStack() as opened,
    ):
        trust = trusted_certificate(nginx)
        nginx.start(*SITES)
        slow: list[socket.socket] = []
        for hello in (b"", bytes.fromhex("1603010200010001fc0303") + bytes(100)):
            slow.append(opened.enter_context(socket.create_connection(nginx.https)))
            slow[-1].sendall(hello)
        for request in requests:
            slow.append(opened.enter_context(nginx.connect(trust)))
            slow[-1].sendall(request.encode())
        assert bytes_that_trickle_in(opened.enter_context(nginx.connect(trust))) < 50
        for connection in slow:
            assert read_to_the_cut(connection) in (b"", b"HTTP/1.1 408")


def test_one_address_has_so_many_sockets_and_another_its_own(site: RunningSite, token: str) -> None:
    with ExitStack() as opened:
        first, *_ = [opened.enter_context(site.open_socket(token, source="127.0.1.5")) for _ in range(SOCKETS)]
        with pytest.raises(InvalidStatus) as refused:
            site.open_socket(token, source="127.0.1.5")
        response = refused.value.response
        assert (response.status_code, response.headers["Retry-After"]) == (429, "2")
        assert b'"rate_limited"' in (response.body or b"")
        opened.enter_context(site.open_socket(token, source="127.0.1.6"))
        first.close()

        def opens() -> bool:
            try:
                opened.enter_context(site.open_socket(token, source="127.0.1.5"))
            except InvalidStatus:
                return False
            return True

        wait_until(opens, "the place of the closed socket is free")


def test_one_address_opens_only_so_many_in_a_short_time(site: RunningSite) -> None:
    """Asked all at once: a slow machine could otherwise stay below 20 in a second."""
    attempt = UPGRADE.replace("Upgrade: websocket\r\n", "").replace("Connection: Upgrade", "Connection: keep-alive")
    attempts = (attempt + "\r\n") * 99 + attempt.replace("keep-alive", "close") + "\r\n"
    answers = from_address(site, "127.0.1.7", attempts.encode())()
    statuses = [int(status) for status in re.findall(rb"HTTP/1.1 (\d+) ", answers)]
    assert len(statuses) == 100
    assert 429 not in statuses[: CONNECTS + 1]
    assert 429 in statuses
    other = from_address(site, "127.0.1.8", (attempt.replace("keep-alive", "close") + "\r\n").encode())()
    assert not other.startswith(b"HTTP/1.1 429 ")


def test_a_restart_refuses_nobody_and_is_told_to_open_sockets(site: RunningSite, token: str) -> None:
    """The listening socket outlives cloudchat, as systemd's does."""
    with site.open_socket(token, source="127.0.1.10") as opened:
        assert site.server.terminate() == 0
        with pytest.raises(ConnectionClosed) as closed:
            opened.wait_for("nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.SERVICE_RESTART
    request = f"GET /healthz HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode()
    answers = [from_address(site, "127.0.1.10", request) for _ in range(5)]
    site.server.start(wait=False)
    assert [answer()[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 5


def bytes_that_trickle_in(slow: ssl.SSLSocket) -> int:
    """How many bytes of a header are taken, one in 0.2 s, before the other side lets go; 50 if it does not."""
    slow.settimeout(0.2)
    for number in range(50):
        try:
            slow.sendall(b"G")
            if slow.recv(1) == b"":
                return number
        except TimeoutError:
            continue
        except OSError:
            return number
    return 50


def read_to_the_cut(slow: socket.socket) -> bytes:
    """What came until the other side let go, its first bytes. Raises TimeoutError when it does not."""
    slow.settimeout(10)
    data = b""
    try:
        while chunk := slow.recv(4096):
            data += chunk
    except ConnectionResetError:
        pass
    return data[:12]
