"""Notifications on a socket as systemd opens it."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudchat.process.sd_notify import ServiceNotifier

PID = 4711


class Manager:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(5)

    def receive(self) -> dict[str, str]:
        lines = self.socket.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    running = Manager(str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path}/notify")
    with running.socket:
        yield running


def pending_messages(manager: Manager) -> int:
    """Return how many messages wait to be read."""
    count = 0
    while True:
        try:
            manager.socket.recv(100)
        except BlockingIOError:
            return count
        count += 1


def test_start_readiness_and_stop_are_sent_in_order(manager: Manager) -> None:
    service = ServiceNotifier(manager.address)
    service.starting("the database", timeout_seconds=600)
    service.ready("open")
    service.stopping("draining")
    assert manager.receive()["EXTEND_TIMEOUT_USEC"] == "600000000"
    assert manager.receive() == {"READY": "1", "STATUS": "open"}
    assert manager.receive() == {"STOPPING": "1", "STATUS": "draining"}


def test_from_environment_removes_the_variables_that_children_would_inherit(manager: Manager) -> None:
    environment = {
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(PID),
        "HOME": "/",
    }
    service = ServiceNotifier.from_environment(environment, PID)
    assert environment == {"HOME": "/"}
    assert service.watchdog_seconds == 30
    service.feed_watchdog()
    assert manager.receive() == {"WATCHDOG": "1"}


@pytest.mark.parametrize(
    "watchdog",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},  # meant for another process
    ],
)
def test_watchdog_is_not_fed_without_a_valid_watchdog_variable(watchdog: dict[str, str], manager: Manager) -> None:
    service = ServiceNotifier.from_environment({"NOTIFY_SOCKET": manager.address, **watchdog}, PID)
    service.feed_watchdog()
    service.ready("open")
    assert "READY" in manager.receive()


def test_watchdog_is_not_fed_while_the_event_loop_is_blocked(manager: Manager) -> None:
    async def main() -> None:
        service = ServiceNotifier(manager.address, watchdog_seconds=0.1)
        service.feed_watchdog_from(asyncio.get_running_loop())
        for _ in range(3):
            assert await asyncio.to_thread(manager.receive) == {"WATCHDOG": "1"}
        time.sleep(0.3)  # noqa: ASYNC251 — the fault under test: the loop is blocked
        manager.socket.setblocking(False)
        assert pending_messages(manager) <= 1  # one that was sent before the block

    asyncio.run(main())


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nowhere/notify"])
def test_unusable_or_missing_notify_socket_is_no_error(address: str) -> None:
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"} if address else {}
    service = ServiceNotifier.from_environment(environment, PID)
    service.ready("open")
    service.feed_watchdog()


def test_full_socket_queue_does_not_block(manager: Manager) -> None:
    service = ServiceNotifier(manager.address, watchdog_seconds=1)
    for _ in range(2000):  # more than the socket's queue takes
        service.feed_watchdog()
    assert manager.receive() == {"WATCHDOG": "1"}
