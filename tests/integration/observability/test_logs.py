"""What is logged: every event of security, nothing secret, and no line or field that a client made up (ASVS 16)."""

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

COOKIE = "cloudchat-refresh"
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


def misuse(server: RunningServer, account: Account, marked: str) -> None:
    """Everything that is refused, with `marked` and the account's own secrets wherever a client can write something."""
    url = server.url
    forged = f"x\r\n2026-01-01T00:00:00.000Z INFO cloudchat.auth: login accepted user=root\x1b[2J {marked}"
    for path in ("/api/me", "/nothing", "/api/rooms", "/ws", f"/api/auth/sessions/{marked}"):
        httpx.get(f"{url}{path}?token={marked}", headers={"Authorization": f"Bearer {marked}"}, verify=False)
    for body in (
        {"username": forged, "password": marked},
        {"username": account.name, "password": marked},
        {"username": marked, "password": PASSWORD},
        {"username": "x", "password": marked, marked: marked},
        [marked],
    ):
        for route in ("login", "register", "password"):
            httpx.post(f"{url}/api/auth/{route}", json=body, headers={"User-Agent": marked}, verify=False, timeout=20)
    for token in (marked, account.access_token[:-4] + "AAAA", account.access_token + marked):
        for as_browser in (False, True):
            try:
                with ChatSocket(server.ws_url, token, as_browser=as_browser) as chat:
                    chat.receive()
            except (InvalidStatus, ConnectionClosed):
                pass
    with RawSocket(server.port) as raw:
        raw.send(f"GET /{marked} HTTP/9.9\r\n{marked}\r\n\r\n".encode())
        raw.read_to_end()
    with RawSocket.upgraded(server.port, account.access_token) as raw:
        raw.send(text(json.dumps({"type": marked, "id": forged[:60]})) + text(marked))
        raw.read_to_end()


def administer(server: RunningServer) -> set[str]:
    """One of everything that an administrator may do; returns the secrets that were shown."""
    password = f"seven slow rivers {secrets.token_hex(4)}"
    chief = login(server.url, "admin", server.first_password)
    change = {"current_password": server.first_password, "new_password": password}
    assert chief.http.post("/api/auth/password", json=change).status_code == 204

    def ask(method: str, path: str, **body: object) -> dict[str, Any]:
        answer = chief.http.request(method, f"/api/admin/{path}", json=body or None)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    made = ask("POST", "users", username=f"u{secrets.token_hex(4)}", role="member")
    user = made["user"]
    token = ask("POST", "tokens", user=user["name"], scopes=["chat:read"], ttl_seconds=60)
    invite = ask("POST", "invites", ttl_seconds=60)
    ask("DELETE", f"tokens/{token['id']}")
    ask("DELETE", f"invites/{invite['id']}")
    ask("PATCH", f"users/{user['id']}", role="moderator")
    ask("PATCH", f"users/{user['id']}", disabled=True)
    return {password, made["one_time_password"], token["token"], invite["invite"], chief.access_token}


def test_a_line_names_the_request_or_the_socket_that_caused_it(server: RunningServer) -> None:
    chosen = "chosen-by-the-client"
    answer = httpx.get(f"{server.url}/api/me", headers={"X-Request-Id": chosen})
    server.wait_for_output(re.escape(answer.headers["x-request-id"]))
    assert chosen not in server.log
    with ChatSocket(server.ws_url, register(server.url).access_token) as chat:
        connection = chat.receive()["session"]
    server.wait_for_output(rf"socket opened.*{re.escape(connection)}")
    server.wait_for_output(rf"socket closed.*{re.escape(connection)}")


def test_the_log_tells_what_happened_and_no_secret(server: RunningServer) -> None:
    marked = secrets.token_hex(12)
    account = register(server.url)
    kept = {PASSWORD, account.access_token, account.http.cookies[COOKIE], marked, server.first_password}
    origin = {"Origin": server.url}
    for _ in range(2):
        answer = account.http.post("/api/auth/refresh", json={}, headers=origin)
        kept |= {answer.json()["access_token"], account.http.cookies[COOKIE]}
    in_body = httpx.post(
        f"{server.url}/api/auth/login",
        json={"username": account.name, "password": PASSWORD, "refresh": "body"},
        verify=False,
        timeout=20,
    ).json()
    kept |= {in_body["access_token"], in_body["refresh_token"]}
    refreshed = httpx.post(
        f"{server.url}/api/auth/refresh", json={"refresh_token": in_body["refresh_token"]}, verify=False, timeout=20
    ).json()
    kept |= {refreshed["access_token"], refreshed["refresh_token"]}
    with ChatSocket(server.ws_url, account.access_token) as chat:
        said = secrets.token_hex(12)
        kept.add(said)
        chat.join()
        assert chat.send(said)["type"] == "ack"
        chat.command("auth", token=in_body["access_token"])
        chat.command("send", room="lobby", cid=str(uuid.uuid4()), text="x" * 5000)
    misuse(server, account, marked)
    assert account.http.get("/api/admin/users").status_code == 403
    new = f"{PASSWORD}-{secrets.token_hex(4)}"
    kept.add(new)
    changed = account.http.post("/api/auth/password", json={"current_password": PASSWORD, "new_password": new})
    assert changed.status_code == 204
    for _ in range(45):
        httpx.post(f"{server.url}/api/auth/refresh", json={"refresh_token": marked}, verify=False, timeout=20)
    again = login(server.url, account.name, new)
    kept |= {again.access_token, again.http.cookies[COOKIE]}
    again.http.post("/api/auth/logout", json={}, headers=origin)
    kept |= administer(server)
    server.terminate()

    # The one-time password is shown to whoever starts the server, once, and is no line of the log.
    written = server.log.replace(f"one-time password: {server.first_password}", "", 1)
    written += "".join(path.read_text(errors="replace") for path in (server.state_dir / "store").glob("*.log*"))
    for secret in kept:
        assert secret not in written
    assert secret_in(written) is None

    logged = [line for line in server.log.splitlines() if "Z " in line[:30] or line.startswith(("{", "|"))]
    assert all(LINE.match(line) and line.isprintable() for line in logged)
    assert "user=root" not in written
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
        assert event in written, event
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
        assert re.search(rf'action(=|": "){re.escape(action)}\b', written), action
    if logged[-1].startswith("{"):
        accepted = [event for event in events_of(server) if event.get("action") == "session.open"]
        assert account.user_id in {event["actor"] for event in accepted}
        assert all(event["address"] == "127.0.0.1" and event["target"] for event in accepted)
        assert all({"time", "level", "logger", "event"} <= set(event) for event in events_of(server))
