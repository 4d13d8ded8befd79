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
SENT_ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    rates = {f"CLOUDCHAT_{name}_RATE": "9999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN")}
    with RunningServer(environment={**rates, "CLOUDCHAT_ALLOWED_ORIGINS": OTHER_PAGE}) as running:
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
    "no HTTP": b"hello\r\n\r\n",
    "two lengths": b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "129 headers": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 129 + b"\r\n",
    "a refused upgrade": b"GET /ws HTTP/1.1\r\n" + UPGRADE.encode() + b"\r\n",
}


@pytest.mark.parametrize("request_", RAW.values(), ids=RAW.keys())
def test_what_no_route_sees_is_answered_as_carefully(server: RunningServer, request_: bytes) -> None:
    with RawSocket(server.port) as raw:
        raw.send(request_)
        answer = raw.read_to_end()
    head, _, body = answer.lower().partition(b"\r\n\r\n")
    assert head.startswith(b"http/1.1 4")
    assert b"x-content-type-options: nosniff" in head
    assert b"cache-control: no-store" in head
    assert b"content-type: application/json" in head
    assert b'{"error": {"code": ' in body
