"""The log contains every security event, no secret, and no line or field that a client forged (ASVS 16)."""

import json
import re
import secrets
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.accounts import PASSWORD, Account, login, register
from support.log_secrets import secret_in
from support.raw_socket import RawSocket, text
from support.server import RunningServer
from support.socket import ChatSocket

LINE = re.compile(
    r"^(\{.*\}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+: .*|\| .*)$"
)


@pytest.fixture(scope="module", params=["text", "json"])
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    environment = {
        "CLOUDCHAT_LOG_LEVEL": "debug",
        "CLOUDCHAT_LOG_FORMAT": request.param,
        "CLOUDCHAT_REFRESH_RATE": "20/minute",
    }
    with RunningServer(environment=environment, first_start=True) as running:
        yield running


def events_of(server: RunningServer) -> list[dict[str, str]]:
    return [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]


def misuse(server: RunningServer, account: Account, marker: str) -> None:
    """Make every kind of rejected request, with `marker` and the account's secrets in every field of a client."""
    url = server.url
    forged = f"x\r\n2026-01-01T00:00:00.000Z INFO cloudchat.auth: login accepted user=root\x1b[2J {marker}"
    for path in ("/api/me", "/nothing", "/api/rooms", "/ws", f"/api/auth/sessions/{marker}"):
        httpx.get(f"{url}{path}?token={marker}", headers={"Authorization": f"Bearer {marker}"}, verify=False)
    for body in (
        {"username": forged, "password": marker},
        {"username": account.name, "password": marker},
        {"username": marker, "password": PASSWORD},
        {"username": "x", "password": marker, marker: marker},
        [marker],
    ):
        for route in ("login", "register", "password"):
            httpx.post(f"{url}/api/auth/{route}", json=body, headers={"User-Agent": marker}, verify=False, timeout=20)
    for token in (marker, account.access_token[:-4] + "AAAA", account.access_token + marker):
        for as_browser in (False, True):
            try:
                with ChatSocket(server.ws_url, token, as_browser=as_browser) as chat:
                    chat.receive()
            except (InvalidStatus, ConnectionClosed):
                pass
    with RawSocket(server.port) as raw:
        raw.send(f"GET /{marker} HTTP/9.9\r\n{marker}\r\n\r\n".encode())
        raw.read_to_end()
    with RawSocket.upgraded(server.port, account.access_token) as raw:
        raw.send(text(json.dumps({"type": marker, "id": forged[:60]})) + text(marker))
        raw.read_to_end()


def administer(server: RunningServer) -> set[str]:
    """Do each action of an administrator once; return the secrets that were shown."""
    password = f"seven slow rivers {secrets.token_hex(4)}"
    administrator = login(server.url, "admin", server.first_password)
    change = {"current_password": server.first_password, "new_password": password}
    assert administrator.http.post("/api/auth/password", json=change).status_code == 204

    def request(method: str, path: str, **body: object) -> dict[str, Any]:
        response = administrator.http.request(method, f"/api/admin/{path}", json=body or None)
        assert response.is_success, response.text
        return response.json() if response.content else {}

    created = request("POST", "users", username=f"u{secrets.token_hex(4)}", role="member")
    user = created["user"]
    token = request("POST", "tokens", user=user["name"], scopes=["chat:read"], ttl_seconds=60)
    invite = request("POST", "invites", ttl_seconds=60)
    request("DELETE", f"tokens/{token['id']}")
    request("DELETE", f"invites/{invite['id']}")
    request("PATCH", f"users/{user['id']}", role="moderator")
    request("PATCH", f"users/{user['id']}", disabled=True)
    return {password, created["one_time_password"], token["token"], invite["invite"], administrator.access_token}


def test_lines_contain_the_id_of_their_request_or_socket(server: RunningServer) -> None:
    chosen = "chosen-by-the-client"
    response = httpx.get(f"{server.url}/api/me", headers={"X-Request-Id": chosen})
    server.wait_for_output(re.escape(response.headers["x-request-id"]))
    assert chosen not in server.log
    with ChatSocket(server.ws_url, register(server.url).access_token) as chat:
        connection = chat.receive()["session"]
    server.wait_for_output(rf"socket opened.*{re.escape(connection)}")
    server.wait_for_output(rf"socket closed.*{re.escape(connection)}")


def test_log_contains_every_security_event_and_no_secret(server: RunningServer) -> None:
    marker = secrets.token_hex(12)
    account = register(server.url)
    secret_values = {
        PASSWORD,
        account.access_token,
        account.http.cookies[account.cookie],
        marker,
        server.first_password,
    }
    origin = {"Origin": server.url}
    for _ in range(2):
        rotated = account.http.post("/api/auth/refresh", json={}, headers=origin)
        secret_values |= {rotated.json()["access_token"], account.http.cookies[account.cookie]}
    tokens_in_body = httpx.post(
        f"{server.url}/api/auth/login",
        json={"username": account.name, "password": PASSWORD, "refresh": "body"},
        verify=False,
        timeout=20,
    ).json()
    secret_values |= {tokens_in_body["access_token"], tokens_in_body["refresh_token"]}
    refreshed = httpx.post(
        f"{server.url}/api/auth/refresh",
        json={"refresh_token": tokens_in_body["refresh_token"]},
        verify=False,
        timeout=20,
    ).json()
    secret_values |= {refreshed["access_token"], refreshed["refresh_token"]}
    with ChatSocket(server.ws_url, account.access_token) as chat:
        message = secrets.token_hex(12)
        secret_values.add(message)
        chat.join()
        assert chat.send(message)["type"] == "ack"
        chat.command("auth", token=tokens_in_body["access_token"])
        chat.command("send", room="lobby", cid=str(uuid.uuid4()), text="x" * 5000)
    misuse(server, account, marker)
    assert account.http.get("/api/admin/users").status_code == 403
    new = f"{PASSWORD}-{secrets.token_hex(4)}"
    secret_values.add(new)
    changed = account.http.post("/api/auth/password", json={"current_password": PASSWORD, "new_password": new})
    assert changed.status_code == 204
    for _ in range(45):
        httpx.post(f"{server.url}/api/auth/refresh", json={"refresh_token": marker}, verify=False, timeout=20)
    again = login(server.url, account.name, new)
    secret_values |= {again.access_token, again.http.cookies[again.cookie]}
    again.http.post("/api/auth/logout", json={}, headers=origin)
    secret_values |= administer(server)
    server.terminate()

    # The one-time password is printed once at the first start, for the operator; it is not a line of the log.
    output = server.log.replace(f"one-time password: {server.first_password}", "", 1)
    output += "".join(path.read_text(errors="replace") for path in (server.state_dir / "store").glob("*.log*"))
    for secret in secret_values:
        assert secret not in output
    assert secret_in(output) is None

    lines = [line for line in server.log.splitlines() if "Z " in line[:30] or line.startswith(("{", "|"))]
    assert all(LINE.match(line) and line.isprintable() for line in lines)
    assert "user=root" not in output
    for event in (
        "login refused",
        "not signed in",
        "authorization refused",
        "limit hit",
        "socket refused",
        "socket opened",
        "socket closed",
        "socket closed for abuse",
    ):
        assert event in output, event
    for action in (
        "user.register",
        "session.open",
        "session.end",
        "password.change",
        "token.issue",
        "token.revoke",
        "invite.create",
        "invite.delete",
        "user.create",
        "user.role",
        "user.disable",
    ):
        assert re.search(rf'action(=|": "){re.escape(action)}\b', output), action
    if lines[-1].startswith("{"):
        opened = [event for event in events_of(server) if event.get("action") == "session.open"]
        assert account.user_id in {event["actor"] for event in opened}
        assert all(event["address"] == "127.0.0.1" and event["target"] for event in opened)
        assert all({"time", "level", "logger", "event"} <= set(event) for event in events_of(server))
