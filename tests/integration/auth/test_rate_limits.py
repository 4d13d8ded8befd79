"""Every account route has a rate limit, shared by all workers, and returns 429 with Retry-After."""

import os
import re
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from support.accounts import PASSWORD, Account, register
from support.commands import done, run_here
from support.server import RunningServer

# Plain http: verify=False saves loading the certificates, a tenth of a second per client.
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)
request = partial(httpx.request, verify=False)

RATE = 5
ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/api/auth/login", {"username": "nobody", "password": "wrong"}),
    ("POST", "/api/auth/register", {"username": "eve", "password": "short"}),
    ("POST", "/api/auth/refresh", {}),
    ("POST", "/api/auth/password", {"current_password": "wrong", "new_password": "wrong"}),
    ("POST", "/api/auth/step-up", {"password": "wrong"}),
    ("GET", "/api/me", None),
    ("GET", "/api/config", None),
    ("GET", "/api/rooms", None),
    ("POST", "/api/rooms", {"kind": "private", "name": " "}),
    ("GET", "/api/rooms/public", None),
    ("GET", "/api/rooms/nothing", None),
    ("PATCH", "/api/rooms/nothing", {}),
    ("GET", "/api/rooms/nothing/members", None),
    ("PUT", "/api/rooms/nothing/members/nothing", {}),
    ("DELETE", "/api/rooms/nothing/members/nothing", None),
    ("GET", "/api/rooms/nothing/mutes", None),
    ("PUT", "/api/rooms/nothing/mutes/nothing", {"reason": ""}),
    ("DELETE", "/api/rooms/nothing/mutes/nothing", None),
    ("GET", "/api/rooms/nothing/bans", None),
    ("PUT", "/api/rooms/nothing/bans/nothing", {"reason": ""}),
    ("DELETE", "/api/rooms/nothing/bans/nothing", None),
    ("GET", "/api/users", None),
    ("POST", "/api/rooms/nothing/messages", {"text": "hello"}),
    ("GET", "/api/rooms/nothing/history", None),
    ("GET", "/api/rooms/nothing/messages/nothing/edits", None),
    ("GET", "/api/rooms/nothing/export", None),
    ("GET", "/api/search", None),
    ("GET", "/api/auth/sessions", None),
    ("DELETE", "/api/auth/sessions/nothing", None),
    ("POST", "/api/auth/totp/setup", {"password": "wrong"}),
    ("POST", "/api/auth/totp/confirm", {"code": "wrong"}),
    ("POST", "/api/auth/totp/disable", {"password": "wrong", "totp": "wrong"}),
    ("GET", "/api/admin/users", None),
    ("POST", "/api/admin/users", {"username": "x", "role": "member"}),
    ("PATCH", "/api/admin/users/nothing", {}),
    ("POST", "/api/admin/users/nothing/reset-password", None),
    ("POST", "/api/admin/users/nothing/reset-second-factor", None),
    ("GET", "/api/admin/tokens", None),
    ("POST", "/api/admin/tokens", {"user": "nobody", "scopes": ["admin"], "ttl_seconds": 1}),
    ("DELETE", "/api/admin/tokens/nothing", None),
    ("GET", "/api/admin/invites", None),
    ("POST", "/api/admin/invites", {}),
    ("DELETE", "/api/admin/invites/nothing", None),
    ("GET", "/api/admin/users/nothing/sessions", None),
    ("DELETE", "/api/admin/users/nothing/sessions/nothing", None),
    ("GET", "/api/admin/rooms", None),
    ("GET", "/api/admin/audit", None),
    ("POST", "/api/auth/logout", {}),  # last: it ends the session
]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    names = ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN", "SEARCH")
    limits = {f"CLOUDCHAT_{name}_RATE": f"{RATE}/minute" for name in names}
    limits["CLOUDCHAT_LOGIN_FAILURES_PER_CLIENT"] = "9999/minute"  # not the subject of these tests
    with RunningServer(workers=2, environment=limits) as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: RunningServer) -> Iterator[Account]:
    """An administrator, so that the administration routes accept the requests."""
    account = register(server.url)
    done(run_here(server.state_dir, "admin", "set-role", account.name, "admin"))
    yield account
    account.http.close()


REJECTED: dict[str, dict[str, Any]] = {
    "no credential": {"headers": {"Authorization": ""}},
    "another page": {"headers": {"Origin": "https://evil.example"}},
    "no JSON": {"json": None, "content": b"{", "headers": {"Content-Type": "application/json"}},
    "another field": {"json": {"unknown": "field"}},
    "a form": {"json": None, "content": b"a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
}


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=[f"{method} {path}" for method, path, _ in ROUTES])
def test_route_returns_429_and_counts_rejected_requests_too(
    ann: Account, method: str, path: str, body: dict[str, Any] | None
) -> None:
    headers = {"Authorization": f"Bearer {ann.access_token}", "Origin": ann.url}

    def send(rejected: dict[str, Any]) -> httpx.Response:
        # One connection per request, so that both workers get some.
        given = {"json": body, **rejected, "headers": headers | rejected.get("headers", {})}
        return request(method, ann.url + path, **given)

    # Twice the limit and one more: a new minute may begin during the requests.
    responses = [send(rejected) for rejected in [*REJECTED.values(), *REJECTED.values(), {}]]
    assert responses[0].status_code != 429
    refused = next(response for response in responses if response.status_code == 429)
    error = refused.json()["error"]
    assert (error["code"], error["retryable"]) == ("rate_limited", True)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert error["retry_after_ms"] > 0
    assert refused.headers["content-security-policy"]
    assert send(REJECTED["no credential"]).status_code == 429, "requests without a credential are not limited"


def test_every_route_has_a_rate_limit(ann: Account) -> None:
    routes = get(f"{ann.url}/openapi.json").json()["paths"]
    limited = {(method, re.sub("nothing", "{}", path)) for method, path, _ in ROUTES}
    found = {(method.upper(), re.sub("{.*?}", "{}", path)) for path, methods in routes.items() for method in methods}
    assert found - limited <= {("GET", "/healthz"), ("GET", "/readyz")}


def test_login_and_its_rate_limit_work_while_the_store_is_stopped() -> None:
    """After SIGSTOP, the store's socket still accepts connections, but nothing responds."""
    with RunningServer(environment={"CLOUDCHAT_LOGIN_RATE": f"{RATE}/minute"}) as server:
        ann = register(server.url)
        os.kill(server.store_pid, signal.SIGSTOP)
        try:
            body = {"username": ann.name, "password": PASSWORD}
            responses = [post(f"{server.url}/api/auth/login", json=body, timeout=20) for _ in range(2 * RATE + 1)]
            assert responses[0].status_code == 200
            refused = next(response for response in responses if response.status_code == 429)
            assert refused.headers["retry-after"]
        finally:
            os.kill(server.store_pid, signal.SIGCONT)
        ann.http.close()
