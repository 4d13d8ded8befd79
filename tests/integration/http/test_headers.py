"""Every route and every error has the security headers, and every error has the error body."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.accounts import Account, register
from support.raw_socket import UPGRADE, RawSocket
from support.server import RunningServer

OTHER_PAGE = "https://pages.example"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
API = httpx.Request("GET", "http://x/api/")  # responses below /api/ are not cached
SENT_ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    rates = {f"CLOUDCHAT_{name}_RATE": "9999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN")}
    with RunningServer(
        environment={**rates, "CLOUDCHAT_ALLOWED_ORIGINS": OTHER_PAGE, "CLOUDCHAT_REGISTRATION": "open"}
    ) as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: RunningServer) -> Iterator[Account]:
    account = register(server.url)
    yield account
    account.http.close()


def check(response: httpx.Response) -> None:
    for name, value in SENT_ALWAYS.items():
        assert response.headers[name] == value, (name, response.request.url)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in response.headers
    if response.url.path.startswith("/api/"):
        assert response.headers["cache-control"] == "no-store"
    if response.status_code >= 400 and response.request.method != "HEAD":
        (error,) = response.json().values()
        assert error["code"]
        assert error["message"]


def test_every_route_with_every_method_and_every_mistake(server: RunningServer, ann: Account) -> None:
    mistakes: list[dict[str, Any]] = [
        {"json": {}},
        {"json": {"unknown": "field"}},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b"a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"1" * 70_000, "headers": {"Content-Type": "application/json"}},
        {"headers": {"Authorization": "Bearer nothing"}},
        {"headers": {"Authorization": "Basic YTpi"}},
        {"headers": {"Origin": "https://evil.example"}},
    ]
    paths = httpx.get(f"{server.url}/openapi.json", verify=False).json()["paths"]
    statuses = set()
    with httpx.Client(base_url=server.url, verify=False, timeout=20) as anonymous:
        for path in [*paths, "/", "/index.html", "/script.js", "/docs", "/openapi.json", "/nothing", "/api/nothing"]:
            concrete = path.replace("{", "").replace("}", "")
            for method in METHODS:
                for mistake in mistakes:
                    response = anonymous.request(method, concrete, **mistake)
                    check(response)
                    statuses.add(response.status_code)
            for method in ("GET", "POST"):
                response = ann.http.request(method, concrete, json={"unknown": "field"})
                check(response)
                statuses.add(response.status_code)
    assert {200, 401, 403, 404, 405, 413, 415, 422} <= statuses
    assert 500 not in statuses
    assert "Traceback" not in server.log


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_path_is_404_for_every_method(server: RunningServer, method: str) -> None:
    for path, status in (("/nothing", 404), ("/api/nothing", 404), ("/script.js", 200 if method == "GET" else 405)):
        response = httpx.request(method, server.url + path, verify=False)
        assert response.status_code == status
        if status == 405:
            assert response.headers["allow"] == "GET, HEAD"


def test_a_page_of_another_allowed_origin_can_sign_in(server: RunningServer) -> None:
    account = register(server.url)
    request_headers = {"Origin": OTHER_PAGE, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"{server.url}/api/auth/login", headers=request_headers, verify=False)
    assert preflight.status_code == 204
    body = {"username": account.name, "password": account.password}
    for password, status in ((account.password, 200), ("wrong", 401)):
        response = httpx.post(
            f"{server.url}/api/auth/login",
            json=body | {"password": password},
            headers={"Origin": OTHER_PAGE},
            verify=False,
            timeout=20,
        )
        assert response.status_code == status
        for shown in (preflight, response):
            assert shown.headers["access-control-allow-origin"] == OTHER_PAGE
            assert shown.headers["access-control-allow-credentials"] == "true"
            check(shown)
    other = httpx.get(f"{server.url}/api/me", headers={"Origin": "https://evil.example"}, verify=False)
    assert not [name for name in other.headers if name.startswith("access-control-")]


RAW = {
    "not HTTP": (400, "hello\r\n\r\n"),
    "two lengths": (
        400,
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ),
    "length and chunks": (400, "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "129 headers": (431, "GET / HTTP/1.1\r\n" + "a: b\r\n" * 129 + "\r\n"),
    "a socket without the subprotocol": (400, f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket without a token": (401, f"GET /ws HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Protocol: cloudchat.v1\r\n\r\n"),
    "a socket on an unknown path": (404, f"GET /nothing HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket on an HTTP route": (404, f"GET /api/me HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket without a key": (400, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    "a socket of another version": (426, f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n".replace("Version: 13", "Version: 8")),
    "a socket with a header of 9 KiB": (431, f"GET /ws HTTP/1.1\r\n{UPGRADE}a: {'b' * 9000}\r\n\r\n"),
    "a socket with a URL of 8 KiB": (414, f"GET /{'b' * 8190} HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket with a URL of Latin-1": (400, f"GET /\xff HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket with a body": (400, f"GET /ws HTTP/1.1\r\n{UPGRADE}Content-Length: 3\r\n\r\nabc"),
    "a socket by POST": (415, f"POST /api/auth/login HTTP/1.1\r\n{UPGRADE}Content-Length: 3\r\n\r\nabc"),
}


@pytest.mark.parametrize(("status", "request_"), RAW.values(), ids=RAW.keys())
def test_errors_below_the_routes_have_the_same_headers_and_body(
    server: RunningServer, status: int, request_: str
) -> None:
    with RawSocket(server.port) as raw:
        raw.send(request_.replace("Connection: Upgrade", "Connection: Upgrade, close").encode("latin-1"))
        head, _, body = raw.read_to_end().decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    assert first.startswith(f"HTTP/1.1 {status} ")
    headers = dict(line.split(": ", 1) for line in lines)
    check(httpx.Response(status, headers=headers, text=body, request=API))
