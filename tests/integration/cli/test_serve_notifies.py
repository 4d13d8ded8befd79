"""`cloudchat serve` under a service manager: it says when it is ready, that it lives, and that it stops."""

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


def hear(manager: socket.socket, wanted: str) -> None:
    """Wait for a message with this line."""
    while wanted not in manager.recv(4096).decode().splitlines():
        pass


@pytest.mark.parametrize("workers", [1, 2])
def test_ready_alive_stopping(manager: socket.socket, workers: int) -> None:
    server = RunningServer(workers=workers, environment={"NOTIFY_SOCKET": manager.getsockname(), **WATCHDOG})
    try:
        server.start(wait=False)
        hear(manager, "READY=1")
        server.wait_for_output(r"open at")
        hear(manager, "WATCHDOG=1")
        hear(manager, "WATCHDOG=1")
        for pid in [server.store_pid, *server.worker_pids]:
            assert b"NOTIFY_SOCKET" not in Path(f"/proc/{pid}/environ").read_bytes()
        server.signal(signal.SIGTERM)
        hear(manager, "STOPPING=1")
        assert server.wait() == 0
    finally:
        server.close()


def test_ready_is_said_only_when_clients_are_answered(manager: socket.socket) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        server = RunningServer(
            arguments=["--fd", str(held.fileno())],
            pass_fds=[held.fileno()],
            environment={"NOTIFY_SOCKET": manager.getsockname()},
        )
        try:
            server.start(wait=False)
            hear(manager, "READY=1")
            assert httpx.get(f"http://127.0.0.1:{held.getsockname()[1]}/readyz").status_code == 200
            assert server.terminate() == 0
        finally:
            server.close()
