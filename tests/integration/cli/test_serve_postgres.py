"""The real server on PostgreSQL, and PostgreSQL that goes away beneath it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from support.accounts import PASSWORD, login, register
from support.postgres import RunningPostgres
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket


@pytest.fixture(scope="module")
def database() -> Iterator[RunningPostgres]:
    """Not the one that the other tests share: this one is stopped."""
    with RunningPostgres() as running:
        yield running


@pytest.fixture
def server(database: RunningPostgres) -> Iterator[RunningServer]:
    """On an empty database of its own: the first start makes the schema."""
    url = database.url(database.create_database())
    with RunningServer(environment={"CLOUDCHAT_DATABASE_URL": url}) as running:
        yield running


def ask_to_log_in(server: RunningServer, name: str) -> httpx.Response:
    body = {"username": name, "password": PASSWORD}
    return httpx.post(f"{server.url}/api/auth/login", json=body, verify=False, timeout=20)


def test_accounts_and_the_conversation_are_there_after_a_restart(server: RunningServer) -> None:
    ann = register(server.url)
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        assert socket.send("kept")["type"] == "ack"
    server.restart()
    assert ann.http.get("/api/me").json()["id"] == ann.user_id
    assert ann.http.post("/api/auth/refresh", json={}, headers={"Origin": server.url}).status_code == 200
    again = login(server.url, ann.name)
    with ChatSocket(server.ws_url, again.access_token) as socket:
        socket.join(limit=10)
        assert socket.wait_for("message")["text"] == "kept"
    assert not (server.state_dir / "cloudchat.db").exists()


def test_while_the_database_is_away_open_sockets_go_on_chatting(
    server: RunningServer, database: RunningPostgres
) -> None:
    ann, bob = register(server.url), register(server.url)
    with ChatSocket(server.ws_url, ann.access_token) as speaks, ChatSocket(server.ws_url, bob.access_token) as hears:
        for socket in (speaks, hears):
            socket.join()
        database.stop()
        try:
            assert speaks.send("still here")["type"] == "ack"
            assert hears.wait_for("message")["text"] == "still here"
            not_now = speaks.command("auth", token=ann.access_token)
            assert (not_now["type"], not_now["code"], not_now["retryable"]) == ("error", "unavailable", True)
            assert not_now["retry_after_ms"] > 0

            refused = ask_to_log_in(server, ann.name)
            error = refused.json()["error"]
            assert (refused.status_code, error["code"], error["retryable"]) == (503, "unavailable", True)
            assert int(refused.headers["retry-after"]) >= 1
            assert ann.http.get("/api/me").status_code == 503
            with pytest.raises(InvalidStatus) as closed:
                ChatSocket(server.ws_url, ann.access_token)
            assert closed.value.response.status_code == 503
            assert "database" in closed.value.response.body.decode()
        finally:
            database.start()
        wait_until(lambda: ask_to_log_in(server, ann.name).status_code == 200, "logins work again")
        with ChatSocket(server.ws_url, ann.access_token) as new:
            new.wait_for("welcome")
        assert hears.send("nobody had to come back")["type"] == "ack"
        assert "Traceback" not in server.log


def test_a_database_that_stands_still_keeps_nobody_waiting(server: RunningServer, database: RunningPostgres) -> None:
    """It closes no connection and answers on none: each request held a thread for ever, and the sweep its eyes."""
    ann = register(server.url)
    with ChatSocket(server.ws_url, ann.access_token) as socket, ThreadPoolExecutor(8) as pool:
        socket.join()

        def me(_: int) -> int:
            return ann.http.get("/api/me", timeout=30).status_code

        assert set(pool.map(me, range(16))) == {200}  # every connection of the pool is open
        with database.paused():
            assert set(pool.map(me, range(8))) == {503}
            with pytest.raises(InvalidStatus) as refused:
                ChatSocket(server.ws_url, ann.access_token)
            assert refused.value.response.status_code == 503
            wait_until(lambda: "revocations cannot be read" in server.log, "the sweep to say that it is blind")
            assert socket.send("still here")["type"] == "ack"
        wait_until(lambda: me(0) == 200, "the database to be asked again")


def test_a_database_that_can_only_be_read_is_one_that_is_away(server: RunningServer, database: RunningPostgres) -> None:
    ann = register(server.url)
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        database.set_read_only(True)
        try:
            wait_until(lambda: ask_to_log_in(server, ann.name).status_code == 503, "logins to be refused")
            assert socket.send("and its place is to be written down")["type"] == "ack"
            wait_until(lambda: "cannot be written down" in server.log, "the keeper to meet it")
        finally:
            database.set_read_only(False)
    wait_until(lambda: ask_to_log_in(server, ann.name).status_code == 200, "logins work again")
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert "Traceback" not in server.log
