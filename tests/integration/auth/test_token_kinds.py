"""Every kind of credential on every route and on the socket: each is accepted only where it is meant to be.

The table has every route. The first test fails until a new route is added, so no route is open by accident.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from pydantic import SecretStr
from websockets.exceptions import InvalidStatus

from cloudchat.auth.keys.key_rotation import LiveKeyRing
from cloudchat.auth.tokens.access_tokens import Tokens
from support.accounts import PASSWORD, login, register
from support.commands import done, run_here
from support.server import RunningServer
from support.socket import ChatSocket

request = partial(httpx.request, verify=False, timeout=20)

NOTHING, OPEN = "no credential", "open to all"
SESSION, ANY_TOKEN, READER, WRITER, ADMINISTRATOR = (
    "a session",
    "a session or an API token",
    "chat:read",
    "chat:write",
    "admin",
)

ROUTES: dict[tuple[str, str], str] = {
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/asyncapi.json"): OPEN,
    ("GET", "/ws"): OPEN,  # without an upgrade: 426
    ("POST", "/api/auth/register"): OPEN,
    ("POST", "/api/auth/login"): OPEN,
    ("POST", "/api/auth/refresh"): OPEN,  # checks only the refresh token, see test_only_a_refresh_token_can_refresh
    ("POST", "/api/auth/logout"): OPEN,
    ("POST", "/api/auth/password"): SESSION,
    ("POST", "/api/auth/step-up"): SESSION,
    ("GET", "/api/auth/sessions"): SESSION,
    ("DELETE", "/api/auth/sessions/{session_id}"): SESSION,
    ("POST", "/api/auth/totp/setup"): SESSION,
    ("POST", "/api/auth/totp/confirm"): SESSION,
    ("POST", "/api/auth/totp/disable"): SESSION,
    ("GET", "/api/config"): OPEN,
    ("GET", "/api/me"): ANY_TOKEN,
    ("GET", "/api/rooms"): READER,
    ("POST", "/api/rooms"): WRITER,
    ("GET", "/api/rooms/public"): READER,
    ("GET", "/api/rooms/{room_id:room}"): READER,
    ("PATCH", "/api/rooms/{room_id:room}"): WRITER,
    ("GET", "/api/rooms/{room_id}/members"): READER,
    ("PUT", "/api/rooms/{room_id}/members/{user_id}"): WRITER,
    ("DELETE", "/api/rooms/{room_id}/members/{user_id}"): WRITER,
    ("GET", "/api/rooms/{room_id}/mutes"): READER,
    ("PUT", "/api/rooms/{room_id}/mutes/{user_id}"): WRITER,
    ("DELETE", "/api/rooms/{room_id}/mutes/{user_id}"): WRITER,
    ("GET", "/api/rooms/{room_id}/bans"): READER,
    ("PUT", "/api/rooms/{room_id}/bans/{user_id}"): WRITER,
    ("DELETE", "/api/rooms/{room_id}/bans/{user_id}"): WRITER,
    ("GET", "/api/users"): READER,
    ("POST", "/api/rooms/{room_id}/messages"): WRITER,
    ("GET", "/api/rooms/{room_id}/history"): READER,
    ("GET", "/api/rooms/{room_id}/messages/{seq}/edits"): READER,
    ("GET", "/api/rooms/{room_id:room}/export"): READER,
    ("GET", "/api/search"): READER,
    ("GET", "/api/admin/users"): ADMINISTRATOR,
    ("POST", "/api/admin/users"): ADMINISTRATOR,
    ("PATCH", "/api/admin/users/{user_id}"): ADMINISTRATOR,
    ("POST", "/api/admin/users/{user_id}/reset-password"): ADMINISTRATOR,
    ("POST", "/api/admin/users/{user_id}/reset-second-factor"): ADMINISTRATOR,
    ("GET", "/api/admin/tokens"): ADMINISTRATOR,
    ("POST", "/api/admin/tokens"): ADMINISTRATOR,
    ("DELETE", "/api/admin/tokens/{token_id}"): ADMINISTRATOR,
    ("GET", "/api/admin/invites"): ADMINISTRATOR,
    ("POST", "/api/admin/invites"): ADMINISTRATOR,
    ("DELETE", "/api/admin/invites/{invite_id}"): ADMINISTRATOR,
    ("GET", "/api/admin/users/{user_id}/sessions"): ADMINISTRATOR,
    ("DELETE", "/api/admin/users/{user_id}/sessions/{session_id}"): ADMINISTRATOR,
    ("GET", "/api/admin/rooms"): ADMINISTRATOR,
    ("GET", "/api/admin/audit"): ADMINISTRATOR,
}

# Where each credential is accepted. Elsewhere it is rejected: 401 if it is not a token, 403 if it lacks a scope.
ACCEPTED: dict[str, set[str]] = {
    NOTHING: set(),
    "a token of another server": set(),
    "a refresh token": set(),
    "an invite": set(),
    "a one-time password": set(),
    "a recovery code": set(),
    "a session before its password is changed": {SESSION, ANY_TOKEN},
    "a member's session": {SESSION, ANY_TOKEN, READER, WRITER},
    "an administrator's session": {SESSION, ANY_TOKEN, READER, WRITER, ADMINISTRATOR},
    "an administrator's session without a second factor": {SESSION, ANY_TOKEN, READER, WRITER},
    "an API token that reads": {ANY_TOKEN, READER},
    "an API token that writes": {ANY_TOKEN, WRITER},
    "an API token that administers": {ANY_TOKEN, ADMINISTRATOR},
}
NO_TOKENS = {
    NOTHING,
    "a token of another server",
    "a refresh token",
    "an invite",
    "a one-time password",
    "a recovery code",
}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    rates = {f"CLOUDCHAT_{name}_RATE": "9999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN")}
    with RunningServer(environment={**rates, "CLOUDCHAT_REQUIRE_ADMIN_2FA": "true"}) as running:
        yield running


@pytest.fixture(scope="module")
def credentials(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    def admin(*arguments: str, stdin: str = "") -> str:
        return done(run_here(server.state_dir, "admin", *arguments, stdin=stdin)).strip()

    admin("create-user", "chief", "--role", "admin", "--password-stdin", stdin=PASSWORD)
    admin("create-user", "late", "--role", "admin", "--password-stdin", stdin=PASSWORD)
    chief = login(server.url, "chief")
    secret = chief.http.post("/api/auth/totp/setup", json={"password": PASSWORD}).json()["secret"]
    confirmed = chief.http.post("/api/auth/totp/confirm", json={"code": pyotp.TOTP(secret).now()}).json()
    member = register(server.url)
    program = {"username": member.name, "password": PASSWORD, "refresh": "body"}
    foreign = Tokens(LiveKeyRing(tmp_path_factory.mktemp("keys")), access_seconds=600)
    return {
        NOTHING: "",
        "a token of another server": foreign.issue_access(chief.user_id, "session", "token", 2e9),
        "a refresh token": request("POST", f"{server.url}/api/auth/login", json=program).json()["refresh_token"],
        "an invite": admin("create-invite"),
        "a one-time password": server.first_password,
        "a recovery code": confirmed["recovery_codes"][0],
        "a session before its password is changed": login(server.url, "admin", server.first_password).access_token,
        "a member's session": member.access_token,
        "an administrator's session": chief.access_token,
        "an administrator's session without a second factor": login(server.url, "late").access_token,
        "an API token that reads": admin("issue-token", member.name, "--scope", "chat:read", "--ttl", "1h"),
        "an API token that writes": admin("issue-token", member.name, "--scope", "chat:write", "--ttl", "1h"),
        "an API token that administers": admin("issue-token", "chief", "--scope", "admin", "--ttl", "1h"),
    }


def test_table_has_every_route(tmp_path: Path) -> None:
    from cloudchat.app.application import create_app
    from cloudchat.settings import Settings

    app = create_app(Settings(state_dir=tmp_path, redis_url=SecretStr("unix:///nowhere/store.sock")))
    found: set[tuple[str, str]] = set()
    others: list[str] = []
    pending: list[tuple[str, Any]] = [("", route) for route in app.routes]
    while pending:
        prefix, route = pending.pop(0)
        if methods := getattr(route, "methods", None):
            found |= {(method, prefix + route.path) for method in methods - {"HEAD"}}
        elif included := getattr(route, "original_router", None):
            pending += [(prefix + route.include_context.prefix, inner) for inner in included.routes]
        else:
            others.append(route.path)
    assert found == set(ROUTES)
    assert others == [""]  # the frontend's files; sockets, tested below, do not reach the router


@pytest.mark.parametrize("kind", ACCEPTED)
def test_credential_is_accepted_only_by_the_routes_for_its_kind(
    server: RunningServer, credentials: dict[str, str], kind: str
) -> None:
    headers = {"Authorization": f"Bearer {credentials[kind]}"} if kind != NOTHING else {}
    wrong: list[str] = []
    for (method, path), required in ROUTES.items():
        if required == OPEN:
            continue
        filled = re.sub(r"\{[^}]+\}", "x", path)
        # An empty body has no effect.
        body: dict[str, str] | None = {} if method in ("POST", "PATCH", "PUT") else None
        response = request(method, server.url + filled, headers=headers, json=body)
        refused = response.status_code in (401, 403)
        if refused != (required not in ACCEPTED[kind]) or (kind in NO_TOKENS and response.status_code != 401):
            wrong.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
    assert wrong == []


@pytest.mark.parametrize("kind", ACCEPTED)
def test_socket_opens_only_with_the_scope_chat_read(
    server: RunningServer, credentials: dict[str, str], kind: str
) -> None:
    if READER in ACCEPTED[kind]:
        socket = ChatSocket(server.ws_url, credentials[kind])
        assert socket.wait_for("welcome")
        socket.close()
        return
    with pytest.raises(InvalidStatus) as refused:
        ChatSocket(server.ws_url, credentials[kind])
    assert refused.value.response.status_code == (401 if kind in NO_TOKENS else 403)


def test_token_without_chat_write_cannot_send(server: RunningServer, credentials: dict[str, str]) -> None:
    socket = ChatSocket(server.ws_url, credentials["an API token that reads"])
    socket.join()
    response = socket.send("hello")
    assert (response["type"], response["code"]) == ("error", "forbidden")
    socket.close()


@pytest.mark.parametrize("kind", [kind for kind in ACCEPTED if kind not in (NOTHING, "a refresh token")])
def test_only_a_refresh_token_can_refresh(server: RunningServer, credentials: dict[str, str], kind: str) -> None:
    for body in ({"refresh_token": credentials[kind]}, {}):
        headers = {"Authorization": f"Bearer {credentials[kind]}"}
        response = request("POST", f"{server.url}/api/auth/refresh", json=body, headers=headers)
        assert response.status_code == 401
