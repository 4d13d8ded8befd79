"""What a service manager hears, on a socket as systemd opens it."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudchat.process.sd_notify import ServiceNotification

PID = 4711


class Manager:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(5)

    def hears(self) -> dict[str, str]:
        lines = self.socket.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path}/notify")
    with listening.socket:
        yield listening


def signs_of_life(manager: Manager) -> int:
    """How many wait to be read."""
    heard = 0
    while True:
        try:
            manager.socket.recv(100)
        except BlockingIOError:
            return heard
        heard += 1


def test_a_life_is_told_in_order(manager: Manager) -> None:
    service = ServiceNotification(manager.address)
    service.starting("the database", seconds=600)
    service.ready("open")
    service.stopping("draining")
    assert manager.hears()["EXTEND_TIMEOUT_USEC"] == "600000000"
    assert manager.hears() == {"READY": "1", "STATUS": "open"}
    assert manager.hears() == {"STOPPING": "1", "STATUS": "draining"}


def test_nothing_of_it_stays_in_the_environment_of_children(manager: Manager) -> None:
    environment = {
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(PID),
        "HOME": "/",
    }
    service = ServiceNotification.from_environment(environment, PID)
    assert environment == {"HOME": "/"}
    assert service.watchdog_seconds == 30
    service.alive()
    assert manager.hears() == {"WATCHDOG": "1"}


@pytest.mark.parametrize(
    "watchdog",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},  # meant for another process
    ],
)
def test_unwatched_it_gives_no_signs_of_life(watchdog: dict[str, str], manager: Manager) -> None:
    service = ServiceNotification.from_environment({"NOTIFY_SOCKET": manager.address, **watchdog}, PID)
    service.alive()
    service.ready("open")
    assert "READY" in manager.hears()


def test_signs_of_life_stop_with_the_event_loop(manager: Manager) -> None:
    async def live() -> None:
        service = ServiceNotification(manager.address, watchdog_seconds=0.1)
        service.keep_alive(asyncio.get_running_loop())
        for _ in range(3):
            assert await asyncio.to_thread(manager.hears) == {"WATCHDOG": "1"}
        time.sleep(0.3)  # noqa: ASYNC251 — the fault itself: something blocks the loop
        manager.socket.setblocking(False)
        assert signs_of_life(manager) <= 1  # one was on its way already

    asyncio.run(live())


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nowhere/notify"])
def test_without_a_manager_that_listens_the_service_runs_all_the_same(address: str) -> None:
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"} if address else {}
    service = ServiceNotification.from_environment(environment, PID)
    service.ready("open")
    service.alive()


def test_a_manager_that_does_not_read_holds_nothing_up(manager: Manager) -> None:
    service = ServiceNotification(manager.address, watchdog_seconds=1)
    for _ in range(2000):  # more than the socket's queue takes
        service.alive()
    assert manager.hears() == {"WATCHDOG": "1"}
