"""Revoked anywhere, closed everywhere: with real servers, and with nobody to carry the news."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from support.accounts import Account, login, register
from support.server import CLOUDCHAT, RunningServer, environment_of
from support.socket import ChatSocket

WITHIN_SECONDS = 5


@pytest.fixture(scope="module")
def workers() -> Iterator[RunningServer]:
    """Two processes: whatever is revoked in one must reach the other."""
    with RunningServer(workers=2) as running:
        yield running


def opened(server: RunningServer, token: str, count: int = 1) -> list[ChatSocket]:
    sockets = [ChatSocket(server.ws_url, token) for _ in range(count)]
    for socket in sockets:
        socket.wait_for("welcome")
        socket.join()
    return sockets


def close_code(socket: ChatSocket) -> int:
    """The code it is closed with within the time promised. Raises TimeoutError."""
    with pytest.raises(ConnectionClosed) as closed:
        socket.wait_for(lambda _: False, seconds=WITHIN_SECONDS)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def admin(server: RunningServer, *arguments: str) -> str:
    done = subprocess.run(
        [CLOUDCHAT, "admin", *arguments],
        env=environment_of(server.state_dir),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


def test_logout_closes_the_sockets_of_that_session_only(workers: RunningServer) -> None:
    first = register(workers.url)
    second = login(workers.url, first.name)
    going, staying = opened(workers, first.access_token, 4), opened(workers, second.access_token, 2)
    first.http.post("/api/auth/logout", json={}, headers={"Origin": workers.url}).raise_for_status()
    assert [close_code(socket) for socket in going] == [4401] * 4
    assert [socket.command("ping")["type"] for socket in staying] == ["pong"] * 2


def test_a_password_change_closes_the_other_sessions(workers: RunningServer) -> None:
    mine = register(workers.url)
    other = login(workers.url, mine.name)
    (here,), (there,) = opened(workers, mine.access_token), opened(workers, other.access_token)
    body = {"current_password": mine.password, "new_password": "six green kettles whistle"}
    mine.http.post("/api/auth/password", json=body).raise_for_status()
    assert close_code(there) == 4401
    assert here.command("ping")["type"] == "pong"


def test_disabling_a_user_from_the_command_line_closes_all_their_sockets(workers: RunningServer) -> None:
    victim, bystander = register(workers.url), register(workers.url)
    sockets = opened(workers, victim.access_token, 4)
    (other,) = opened(workers, bystander.access_token)
    admin(workers, "disable-user", victim.name)
    assert [close_code(socket) for socket in sockets] == [4403] * 4
    assert other.command("ping")["type"] == "pong"


def test_revoking_a_bots_token_closes_its_sockets_while_the_store_stands_still(server: RunningServer) -> None:
    user = register(server.url)
    token = admin(server, "issue-token", user.name, "--scope", "chat:read", "--ttl", "1h")
    token_id = admin(server, "list-tokens").splitlines()[-1].split("\t")[0]
    (bot,) = opened(server, token)
    os.kill(server.store_pid, signal.SIGSTOP)
    try:
        admin(server, "revoke-token", token_id)
        assert close_code(bot) == 4401
    finally:
        os.kill(server.store_pid, signal.SIGCONT)


def test_another_role_closes_the_sockets_that_do_not_have_it(workers: RunningServer) -> None:
    user, bystander = register(workers.url), register(workers.url)
    sockets, (other,) = opened(workers, user.access_token, 4), opened(workers, bystander.access_token)
    admin(workers, "set-role", user.name, "moderator")
    (after,) = opened(workers, user.access_token)
    assert [close_code(socket) for socket in sockets] == [4401] * 4
    assert after.frames[0]["user"]["role"] == "moderator"
    assert [socket.command("ping")["type"] for socket in (after, other)] == ["pong"] * 2


def test_a_stolen_key_that_is_forgotten_ends_the_sockets_of_its_tokens(server: RunningServer) -> None:
    user = register(server.url)
    (socket,) = opened(server, user.access_token)
    admin(server, "rotate-keys", "--forget-old")
    assert close_code(socket) == 4401
    (again,) = opened(server, login(server.url, user.name).access_token)
    assert again.command("ping")["type"] == "pong"


def test_an_open_socket_takes_no_token_that_would_not_open_one(server: RunningServer) -> None:
    user = register(server.url)
    token = admin(server, "issue-token", user.name, "--scope", "chat:write", "--ttl", "1h")
    (socket,) = opened(server, user.access_token)
    refused = socket.command("auth", token=token)
    assert (refused["code"], refused["field"]) == ("forbidden", "token")


def test_an_eleventh_socket_of_a_user_replaces_the_first(server: RunningServer) -> None:
    user: Account = register(server.url)
    sockets = opened(server, user.access_token, 10)
    sockets += opened(server, user.access_token)
    assert close_code(sockets[0]) == 4409
    assert [socket.command("ping")["type"] for socket in sockets[1:]] == ["pong"] * 10


def test_the_sockets_of_all_workers_are_counted_together(workers: RunningServer) -> None:
    """Whichever worker each of them came to: none has eleven."""
    user: Account = register(workers.url)
    sockets = opened(workers, user.access_token, 11)
    assert close_code(sockets[0]) == 4409
    assert [socket.command("ping")["type"] for socket in sockets[1:]] == ["pong"] * 10
