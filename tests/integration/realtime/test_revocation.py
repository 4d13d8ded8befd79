"""A revocation closes the sockets in every process within the promised time, without messages between processes."""

import os
import signal
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from support.accounts import Account, login, register
from support.commands import done, run_here
from support.server import RunningServer
from support.socket import ChatSocket

MAX_REVOCATION_SECONDS = 5


@pytest.fixture(scope="module")
def workers() -> Iterator[RunningServer]:
    """Two processes: a revocation in one must close the sockets of the other."""
    with RunningServer(workers=2) as running:
        yield running


def open_sockets(server: RunningServer, token: str, count: int = 1) -> list[ChatSocket]:
    sockets = [ChatSocket(server.ws_url, token) for _ in range(count)]
    for socket in sockets:
        socket.wait_for("welcome")
        socket.join()
    return sockets


def close_code(socket: ChatSocket) -> int:
    """Return the close code that arrives within the promised time. Raises TimeoutError."""
    with pytest.raises(ConnectionClosed) as closed:
        socket.wait_for(lambda _: False, seconds=MAX_REVOCATION_SECONDS)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def admin(server: RunningServer, *arguments: str) -> str:
    return done(run_here(server.state_dir, "admin", *arguments)).strip()


def test_logout_closes_the_sockets_of_its_own_session_only(workers: RunningServer) -> None:
    first = register(workers.url)
    second = login(workers.url, first.name)
    revoked, remaining = open_sockets(workers, first.access_token, 4), open_sockets(workers, second.access_token, 2)
    first.http.post("/api/auth/logout", json={}, headers={"Origin": workers.url}).raise_for_status()
    assert [close_code(socket) for socket in revoked] == [4401] * 4
    assert [socket.command("ping")["type"] for socket in remaining] == ["pong"] * 2


def test_password_change_closes_the_sockets_of_other_sessions(workers: RunningServer) -> None:
    mine = register(workers.url)
    other = login(workers.url, mine.name)
    (here,), (there,) = open_sockets(workers, mine.access_token), open_sockets(workers, other.access_token)
    body = {"current_password": mine.password, "new_password": "six green kettles whistle"}
    mine.http.post("/api/auth/password", json=body).raise_for_status()
    assert close_code(there) == 4401
    assert here.command("ping")["type"] == "pong"


def test_disable_user_command_closes_all_sockets_of_the_user(workers: RunningServer) -> None:
    victim, bystander = register(workers.url), register(workers.url)
    sockets = open_sockets(workers, victim.access_token, 4)
    (other,) = open_sockets(workers, bystander.access_token)
    admin(workers, "disable-user", victim.name)
    assert [close_code(socket) for socket in sockets] == [4403] * 4
    assert other.command("ping")["type"] == "pong"


def test_revoked_api_token_closes_its_sockets_while_the_store_is_stopped(server: RunningServer) -> None:
    user = register(server.url)
    token = admin(server, "issue-token", user.name, "--scope", "chat:read", "--ttl", "1h")
    token_id = admin(server, "list-tokens").splitlines()[-1].split("\t")[0]
    (bot,) = open_sockets(server, token)
    os.kill(server.store_pid, signal.SIGSTOP)
    try:
        admin(server, "revoke-token", token_id)
        assert close_code(bot) == 4401
    finally:
        os.kill(server.store_pid, signal.SIGCONT)


def test_role_change_closes_the_sockets_with_the_old_role(workers: RunningServer) -> None:
    user, bystander = register(workers.url), register(workers.url)
    sockets, (other,) = open_sockets(workers, user.access_token, 4), open_sockets(workers, bystander.access_token)
    admin(workers, "set-role", user.name, "moderator")
    (after,) = open_sockets(workers, user.access_token)
    assert [close_code(socket) for socket in sockets] == [4401] * 4
    assert after.frames[0]["user"]["role"] == "moderator"
    assert [socket.command("ping")["type"] for socket in (after, other)] == ["pong"] * 2


def test_rotate_keys_with_forget_old_closes_the_sockets_of_old_tokens(server: RunningServer) -> None:
    user = register(server.url)
    (socket,) = open_sockets(server, user.access_token)
    admin(server, "rotate-keys", "--forget-old")
    assert close_code(socket) == 4401
    (again,) = open_sockets(server, login(server.url, user.name).access_token)
    assert again.command("ping")["type"] == "pong"


def test_auth_rejects_a_token_that_could_not_open_a_socket(server: RunningServer) -> None:
    user = register(server.url)
    token = admin(server, "issue-token", user.name, "--scope", "chat:write", "--ttl", "1h")
    (socket,) = open_sockets(server, user.access_token)
    refused = socket.command("auth", token=token)
    assert (refused["code"], refused["field"]) == ("forbidden", "token")


def test_eleventh_socket_of_a_user_closes_the_first(server: RunningServer) -> None:
    user: Account = register(server.url)
    sockets = open_sockets(server, user.access_token, 10)
    sockets += open_sockets(server, user.access_token)
    assert close_code(sockets[0]) == 4409
    assert [socket.command("ping")["type"] for socket in sockets[1:]] == ["pong"] * 10


def test_sockets_of_all_workers_are_counted_together(workers: RunningServer) -> None:
    """Neither worker has eleven sockets of its own."""
    user: Account = register(workers.url)
    sockets = open_sockets(workers, user.access_token, 11)
    assert close_code(sockets[0]) == 4409
    assert [socket.command("ping")["type"] for socket in sockets[1:]] == ["pong"] * 10
