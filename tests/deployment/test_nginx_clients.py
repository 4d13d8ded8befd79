"""Hostile clients of nginx: forged headers, very many headers, slow requests, too many sockets from one address."""

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
# Lower limits: reaching the default ones takes hundreds of sockets.
VALUES = {
    "limit_conn cloudchat_sockets": str(SOCKETS),
    "limit_req zone=cloudchat_connects": f"burst={CONNECTS} nodelay",
    # A server on a busy machine answers fewer handshakes per second than the default rate admits.
    r"limit_req_zone \$cloudchat_client zone=cloudchat_connects:10m": "rate=1r/s",
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


def start_request(site: RunningSite, address: str, request: bytes) -> Callable[[], bytes]:
    """Send a request from an address of loopback; return a function that reads the whole response."""
    tls = site.nginx.connect(site.trust, address)
    tls.sendall(request)

    def read_response() -> bytes:
        data = b""
        with tls:
            tls.settimeout(30)  # enough for a restart on a busy machine
            while chunk := tls.recv(65536):
                data += chunk
        return data

    return read_response


def test_cloudchat_gets_the_address_from_nginx_and_only_the_needed_headers_of_an_upgrade() -> None:
    forged = "".join(f"{name}: {value}\r\n" for name, value in FORGED.items())
    many = "".join(f"X-Number-{number}: {number}\r\n" for number in range(200))
    with RunningNginx() as nginx:
        trust = trusted_certificate(nginx)
        nginx.start(*SITES)
        with RecordingInstance(nginx.socket_path) as instance:
            ordinary = f"GET /api/me HTTP/1.1\r\nHost: {DOMAIN}\r\nX-Other: 1\r\n"
            # An h2c tunnel would bypass all rules of nginx.
            tunnel = UPGRADE.replace("Upgrade: websocket", "Upgrade: h2c")
            for number, request in enumerate((ordinary, UPGRADE, tunnel)):
                with nginx.connect(trust, "127.0.0.9") as tls:
                    tls.sendall((request + forged + (many if number else "") + "\r\n").encode())
                    assert tls.recv(1000).startswith(b"HTTP/1.1 400 ")
            plain, upgrade, other = (instance.header(number) for number in range(3))
    for header in (plain, upgrade, other):
        fields = dict(header)
        assert len(fields) == len(header)
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


def test_forged_headers_bypass_no_limit_and_appear_in_no_log(site: RunningSite) -> None:
    http = site.nginx.browser_like(site.trust, "127.0.1.2")
    credentials = {"username": "ann", "password": "a wrong password"}
    forged = ({**FORGED, "X-Forwarded-For": f"198.51.100.{number}"} for number in range(2 * LOGINS + 1))
    statuses = [http.post("/api/auth/login", json=credentials, headers=headers).status_code for headers in forged]
    assert statuses[-1] == 429  # the limit counts the real address, not the forged ones
    other = site.nginx.browser_like(site.trust, "127.0.1.3")
    assert other.post("/api/auth/login", json=credentials).status_code == 401
    assert '"address": "127.0.1.2"' in site.server.log
    assert "198.51.100." not in site.server.log + site.nginx.access_log
    assert "evil.example" not in site.server.log


def test_upgrade_with_200_headers_succeeds_and_a_request_with_them_is_refused(site: RunningSite, token: str) -> None:
    many = {f"X-Number-{number}": "x" for number in range(200)}
    with site.open_socket(token, source="127.0.1.4", headers=many) as opened:
        assert opened.receive()["type"] == "welcome"
    http = site.nginx.browser_like(site.trust, "127.0.1.4")
    assert http.get("/api/me", headers=many).status_code == 431
    assert http.get("/ws", headers={**many, "X-Long": "x" * 9000}).status_code == 431


def test_slow_clients_are_disconnected() -> None:
    """The clients stop during the TLS handshake, the request header or the body, all at the same time."""
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
        assert send_slowly(opened.enter_context(nginx.connect(trust))) < 50
        for connection in slow:
            assert read_until_closed(connection) in (b"", b"HTTP/1.1 408")


def test_number_of_sockets_is_limited_per_address(site: RunningSite, token: str) -> None:
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

        wait_until(opens, "nginx no longer counts the closed socket")


def test_rate_of_new_sockets_is_limited_per_address(site: RunningSite) -> None:
    attempt = UPGRADE.replace("Upgrade: websocket\r\n", "").replace("Connection: Upgrade", "Connection: keep-alive")
    attempts = (attempt + "\r\n") * 99 + attempt.replace("keep-alive", "close") + "\r\n"
    responses = start_request(site, "127.0.1.7", attempts.encode())()
    statuses = [int(status) for status in re.findall(rb"HTTP/1.1 (\d+) ", responses)]
    assert len(statuses) == 100
    assert 429 not in statuses[: CONNECTS + 1]
    assert 429 in statuses
    other = start_request(site, "127.0.1.8", (attempt.replace("keep-alive", "close") + "\r\n").encode())()
    assert not other.startswith(b"HTTP/1.1 429 ")


def test_restart_refuses_no_request_and_closes_sockets_with_1012(site: RunningSite, token: str) -> None:
    """The listening socket stays open while cloudchat restarts, as under systemd."""
    with site.open_socket(token, source="127.0.1.10") as opened:
        assert site.server.terminate() == 0
        with pytest.raises(ConnectionClosed) as closed:
            opened.wait_for("nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.SERVICE_RESTART
    request = f"GET /healthz HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode()
    responses = [start_request(site, "127.0.1.10", request) for _ in range(5)]
    site.server.start(wait=False)
    assert [read()[:15] for read in responses] == [b"HTTP/1.1 200 OK"] * 5


def send_slowly(slow: ssl.SSLSocket) -> int:
    """Send one byte of a header every 0.2 s; return how many until the server disconnects, at most 50."""
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


def read_until_closed(slow: socket.socket) -> bytes:
    """Return the first bytes that arrive before the server disconnects. Raises TimeoutError if it does not."""
    slow.settimeout(10)
    data = b""
    try:
        while chunk := slow.recv(4096):
            data += chunk
    except ConnectionResetError:
        pass
    return data[:12]
