"""The server on PostgreSQL, also while PostgreSQL is unavailable."""

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


@pytest.fixture(scope="module", autouse=True)
def _console_script() -> None:
    """The database is opened after the imports, so these servers are forked."""


@pytest.fixture(scope="module")
def database() -> Iterator[RunningPostgres]:
    """A database server of its own, because these tests stop it."""
    with RunningPostgres() as running:
        yield running


@pytest.fixture
def server(database: RunningPostgres) -> Iterator[RunningServer]:
    """A server on an empty database: the first start creates the schema."""
    url = database.url(database.create_database())
    with RunningServer(environment={"CLOUDCHAT_DATABASE_URL": url}) as running:
        yield running


def request_login(server: RunningServer, name: str) -> httpx.Response:
    body = {"username": name, "password": PASSWORD}
    return httpx.post(f"{server.url}/api/auth/login", json=body, verify=False, timeout=20)


def test_accounts_and_messages_survive_a_restart(server: RunningServer) -> None:
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


def test_a_room_whose_id_has_a_nul_does_not_exist(server: RunningServer) -> None:
    """PostgreSQL does not accept NUL in a text: the socket was closed with 1011, and requests were answered 500."""
    ann = register(server.url)
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        for command in ("join", "who", "leave"):
            assert socket.command(command, room="a\0b")["code"] == "not_found"
    assert ann.http.get("/api/rooms/%00/history").status_code == 422


def test_open_sockets_work_while_the_database_is_unavailable(server: RunningServer, database: RunningPostgres) -> None:
    ann, bob = register(server.url), register(server.url)
    with ChatSocket(server.ws_url, ann.access_token) as sender, ChatSocket(server.ws_url, bob.access_token) as receiver:
        for socket in (sender, receiver):
            socket.join()
        database.stop()
        try:
            assert sender.send("still here")["type"] == "ack"
            assert receiver.wait_for("message")["text"] == "still here"
            rejected_auth = sender.command("auth", token=ann.access_token)
            assert (rejected_auth["type"], rejected_auth["code"], rejected_auth["retryable"]) == (
                "error",
                "unavailable",
                True,
            )
            assert rejected_auth["retry_after_ms"] > 0

            refused = request_login(server, ann.name)
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
        wait_until(lambda: request_login(server, ann.name).status_code == 200, "logins work again")
        with ChatSocket(server.ws_url, ann.access_token) as new:
            new.wait_for("welcome")
        assert receiver.send("still connected")["type"] == "ack"
        assert "Traceback" not in server.log


def test_a_database_that_hangs_blocks_no_request(server: RunningServer, database: RunningPostgres) -> None:
    """It keeps connections open and answers on none. Without a timeout each request would hold a thread forever."""
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
            wait_until(lambda: "revocations cannot be read" in server.log, "the sweep to log that it cannot read")
            assert socket.send("still here")["type"] == "ack"
        wait_until(lambda: me(0) == 200, "the database to be used again")


def test_a_read_only_database_counts_as_unavailable(server: RunningServer, database: RunningPostgres) -> None:
    ann = register(server.url)
    with ChatSocket(server.ws_url, ann.access_token) as socket:
        database.set_read_only(True)
        try:
            wait_until(lambda: request_login(server, ann.name).status_code == 503, "logins to be refused")
            assert socket.send("its checkpoint is due")["type"] == "ack"
            wait_until(lambda: "log checkpoints cannot be saved" in server.log, "the checkpoint to fail")
        finally:
            database.set_read_only(False)
    wait_until(lambda: request_login(server, ann.name).status_code == 200, "logins work again")
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert "Traceback" not in server.log
