"""`cloudchat serve` under a service manager: READY, WATCHDOG and STOPPING notifications."""

import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from support.server import RunningServer

WATCHDOG = {"WATCHDOG_USEC": "2000000"}


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        yield listening


def wait_for_line(manager: socket.socket, expected: str) -> None:
    """Wait for a notification with this line."""
    while expected not in manager.recv(4096).decode().splitlines():
        pass


@pytest.mark.parametrize("workers", [1, 2])
def test_ready_watchdog_and_stopping_are_sent(manager: socket.socket, workers: int) -> None:
    server = RunningServer(workers=workers, environment={"NOTIFY_SOCKET": manager.getsockname(), **WATCHDOG})
    try:
        server.start(wait=False)
        wait_for_line(manager, "READY=1")
        server.wait_for_output(r"open at")
        wait_for_line(manager, "WATCHDOG=1")
        wait_for_line(manager, "WATCHDOG=1")
        for pid in [server.store_pid, *server.worker_pids]:
            assert b"NOTIFY_SOCKET" not in Path(f"/proc/{pid}/environ").read_bytes()
        server.signal(signal.SIGTERM)
        wait_for_line(manager, "STOPPING=1")
        assert server.wait() == 0
    finally:
        server.close()


def test_ready_is_sent_when_clients_get_responses(manager: socket.socket) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        server = RunningServer(
            arguments=["--fd", str(held.fileno())],
            pass_fds=[held.fileno()],
            environment={"NOTIFY_SOCKET": manager.getsockname()},
        )
        try:
            server.start(wait=False)
            wait_for_line(manager, "READY=1")
            assert httpx.get(f"http://127.0.0.1:{held.getsockname()[1]}/readyz").status_code == 200
            assert server.terminate() == 0
        finally:
            server.close()
