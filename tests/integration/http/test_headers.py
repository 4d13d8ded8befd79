"""Every route, every error: careful headers, and the one error body."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.accounts import Account, register
from support.raw_socket import UPGRADE, RawSocket
from support.server import RunningServer

OTHER_PAGE = "https://pages.example"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
API = httpx.Request("GET", "http://x/api/")  # whose answers are kept by nobody
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


def check(answer: httpx.Response) -> None:
    for name, value in SENT_ALWAYS.items():
        assert answer.headers[name] == value, (name, answer.request.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in answer.headers
    if answer.url.path.startswith("/api/"):
        assert answer.headers["cache-control"] == "no-store"
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        (error,) = answer.json().values()
        assert error["code"]
        assert error["message"]


def test_every_route_with_every_method_and_every_kind_of_mistake(server: RunningServer, ann: Account) -> None:
    mistakes: list[dict[str, Any]] = [
        {"json": {}},
        {"json": {"nobody": "asked for this"}},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b"a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"1" * 70_000, "headers": {"Content-Type": "application/json"}},
        {"headers": {"Authorization": "Bearer nothing"}},
        {"headers": {"Authorization": "Basic YTpi"}},
        {"headers": {"Origin": "https://evil.example"}},
    ]
    paths = httpx.get(f"{server.url}/openapi.json", verify=False).json()["paths"]
    statuses = set()
    with httpx.Client(base_url=server.url, verify=False, timeout=20) as anybody:
        for path in [*paths, "/", "/index.html", "/script.js", "/docs", "/openapi.json", "/nothing", "/api/nothing"]:
            concrete = path.replace("{", "").replace("}", "")
            for method in METHODS:
                for mistake in mistakes:
                    answer = anybody.request(method, concrete, **mistake)
                    check(answer)
                    statuses.add(answer.status_code)
            for method in ("GET", "POST"):
                answer = ann.http.request(method, concrete, json={"nobody": "asked for this"})
                check(answer)
                statuses.add(answer.status_code)
    assert {200, 401, 403, 404, 405, 413, 415, 422} <= statuses
    assert 500 not in statuses
    assert "Traceback" not in server.log


@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_there_is_not_there_for_any_method(server: RunningServer, method: str) -> None:
    for path, status in (("/nothing", 404), ("/api/nothing", 404), ("/script.js", 200 if method == "GET" else 405)):
        answer = httpx.request(method, server.url + path, verify=False)
        assert answer.status_code == status
        if status == 405:
            assert answer.headers["allow"] == "GET, HEAD"


def test_a_page_on_another_allowed_origin_can_sign_in_and_read_every_answer(server: RunningServer) -> None:
    account = register(server.url)
    asked = {"Origin": OTHER_PAGE, "Access-Control-Request-Method": "POST"}
    preflight = httpx.options(f"{server.url}/api/auth/login", headers=asked, verify=False)
    assert preflight.status_code == 204
    body = {"username": account.name, "password": account.password}
    for password, status in ((account.password, 200), ("wrong", 401)):
        answer = httpx.post(
            f"{server.url}/api/auth/login",
            json=body | {"password": password},
            headers={"Origin": OTHER_PAGE},
            verify=False,
            timeout=20,
        )
        assert answer.status_code == status
        for shown in (preflight, answer):
            assert shown.headers["access-control-allow-origin"] == OTHER_PAGE
            assert shown.headers["access-control-allow-credentials"] == "true"
            check(shown)
    other = httpx.get(f"{server.url}/api/me", headers={"Origin": "https://evil.example"}, verify=False)
    assert not [name for name in other.headers if name.startswith("access-control-")]


RAW = {
    "no HTTP": (400, "hello\r\n\r\n"),
    "two lengths": (
        400,
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ),
    "length and chunks": (400, "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "129 headers": (431, "GET / HTTP/1.1\r\n" + "a: b\r\n" * 129 + "\r\n"),
    "a socket without the subprotocol": (400, f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket without a token": (401, f"GET /ws HTTP/1.1\r\n{UPGRADE}Sec-WebSocket-Protocol: cloudchat.v1\r\n\r\n"),
    "a socket elsewhere": (404, f"GET /nothing HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket where a route is": (404, f"GET /api/me HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket without a key": (400, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    "a socket of another version": (426, f"GET /ws HTTP/1.1\r\n{UPGRADE}\r\n".replace("Version: 13", "Version: 8")),
    "a socket with a header of 9 KiB": (431, f"GET /ws HTTP/1.1\r\n{UPGRADE}a: {'b' * 9000}\r\n\r\n"),
    "a socket with a URL of 8 KiB": (414, f"GET /{'b' * 8190} HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket with a URL of Latin-1": (400, f"GET /\xff HTTP/1.1\r\n{UPGRADE}\r\n"),
    "a socket with a body": (400, f"GET /ws HTTP/1.1\r\n{UPGRADE}Content-Length: 3\r\n\r\nabc"),
    "a socket by POST": (415, f"POST /api/auth/login HTTP/1.1\r\n{UPGRADE}Content-Length: 3\r\n\r\nabc"),
}


@pytest.mark.parametrize(("status", "request_"), RAW.values(), ids=RAW.keys())
def test_what_no_route_sees_is_answered_as_carefully(server: RunningServer, status: int, request_: str) -> None:
    with RawSocket(server.port) as raw:
        raw.send(request_.replace("Connection: Upgrade", "Connection: Upgrade, close").encode("latin-1"))
        head, _, body = raw.read_to_end().decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    assert first.startswith(f"HTTP/1.1 {status} ")
    headers = dict(line.split(": ", 1) for line in lines)
    check(httpx.Response(status, headers=headers, text=body, request=API))
