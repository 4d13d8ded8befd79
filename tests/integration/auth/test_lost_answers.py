"""A refresh whose response is lost: the server is killed after the commit."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from support.accounts import Account, register
from support.processes import wait_until
from support.server import RunningServer


@pytest.fixture
def server() -> Iterator[RunningServer]:
    """A server with a long grace period: on a busy machine a restart may take longer than the default ten seconds."""
    with RunningServer(environment={"CLOUDCHAT_REFRESH_GRACE_SECONDS": "60"}) as running:
        yield running


@pytest.fixture
def ann(server: RunningServer) -> Iterator[Account]:
    account = register(server.url)
    yield account
    account.http.close()


def refresh(account: Account) -> httpx.Response:
    return account.http.post("/api/auth/refresh", json={}, headers={"Origin": account.url})


def refresh_tokens(server: RunningServer) -> int:
    with closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as db:
        count: int = db.execute("SELECT count(*) FROM refresh_tokens").fetchone()[0]
        return count


def test_refresh_can_be_retried_after_the_server_was_killed_after_its_commit(
    server: RunningServer, ann: Account
) -> None:
    before = refresh_tokens(server)
    request = (
        f"POST /api/auth/refresh HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {server.url}\r\n"
        f"Cookie: {ann.cookie}={ann.http.cookies[ann.cookie]}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as browser:
        browser.sendall(request.encode())
        wait_until(lambda: refresh_tokens(server) > before, "the commit of the exchange")
        server.kill()
    server.restart()
    retried = refresh(ann)
    assert retried.status_code == 200, retried.text
    ann.http.headers["Authorization"] = f"Bearer {retried.json()['access_token']}"
    assert ann.http.get("/api/me").json()["name"] == ann.name
    assert refresh(ann).status_code == 200


def test_refresh_can_be_retried_after_several_kills(server: RunningServer, ann: Account) -> None:
    name = ann.cookie
    lost = ann.http.cookies[name]
    for _ in range(2):
        ann.http.cookies.set(name, lost, domain="127.0.0.1", path="/")
        assert refresh(ann).status_code == 200  # the new cookie is discarded below
        server.kill()
        server.restart()
    ann.http.cookies.set(name, lost, domain="127.0.0.1", path="/")
    for _ in range(2):
        assert refresh(ann).status_code == 200
