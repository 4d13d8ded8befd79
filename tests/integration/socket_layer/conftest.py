"""One server per test module, and two users: an attacker, and a bystander whom the attack must not affect."""

from collections.abc import Callable, Iterator

import pytest

from support.accounts import Account, register
from support.process_usage import client_sockets
from support.processes import wait_until
from support.server import WITH_CHEAP_HASHES, RunningServer
from support.socket import ChatSocket


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    limits = {"REGISTER_RATE": "6000/minute", "LOGIN_RATE": "6000/minute", "CONNECT_USER_RATE": "6000/minute"}
    environment = {f"CLOUDCHAT_{name}": rate for name, rate in limits.items()}
    # Not forked: the memory of its process is measured.
    with RunningServer(environment=environment, command=WITH_CHEAP_HASHES) as running:
        yield running


@pytest.fixture
def attacker(server: RunningServer) -> Account:
    account = register(server.url)
    account.http.close()  # a later end would be counted as a freed connection
    return account


@pytest.fixture
def bystander(server: RunningServer) -> Iterator[ChatSocket]:
    """A user in the room; their next message must be stored when the attack is over."""
    account = register(server.url)
    account.http.close()
    with ChatSocket(server.ws_url, account.access_token) as chat:
        chat.wait_for("welcome")
        chat.join()
        yield chat
        assert chat.send("still here")["type"] == "ack"


@pytest.fixture
def all_freed(server: RunningServer) -> Callable[[], None]:
    """Wait until the server has no more connections than at the start of the test."""
    before = client_sockets(server.pid, server.port)

    def wait() -> None:
        wait_until(lambda: client_sockets(server.pid, server.port) <= before, "all connections to be freed")

    return wait
