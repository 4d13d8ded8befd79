"""The two servers under test, each as the process a user would start, on the servers' core."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.accounts import tokens_for
from benchmarks.cores import on_server_core
from benchmarks.dialects import CloudchatDialect, Dialect, PlainDialect
from support.server import RunningServer, free_port

_PLAIN = Path(__file__).parent / "plain_server.py"
_PATIENCE = 30.0  # seconds until a server must listen, and until it must have ended


class ServerDidNotStart(RuntimeError):
    """The server ended or did not listen in time; the message carries its output."""


@dataclass(frozen=True)
class Server:
    """A running server. `store` is the process of its store, where it has one."""

    dialect: Dialect
    port: int
    pid: int
    store: int | None = None


@contextmanager
def cloudchat(members: int) -> Iterator[Server]:
    """`cloudchat serve` as it is, with an empty state folder; only the limits on sends and sockets are out of the way.

    There are users for `members` sockets, few sockets each.
    """
    running = RunningServer(
        environment={
            "CLOUDCHAT_SENDS_PER_10S": "100000000",
            "CLOUDCHAT_SOCKETS_PER_ADDRESS": "100000",
            "CLOUDCHAT_CONNECT_RATE": "1000000/minute",
            "CLOUDCHAT_CONNECT_USER_RATE": "1000000/minute",
        }
    )
    try:
        try:
            with on_server_core():
                running.start()
        except AssertionError as error:
            raise ServerDidNotStart(str(error)) from error
        tokens = tokens_for(members, running.state_dir)
        yield Server(CloudchatDialect(tokens), running.port, running.pid, running.store_pid)
    finally:
        running.close()


@contextmanager
def plain() -> Iterator[Server]:
    """The tutorials' ConnectionManager."""
    port = free_port()
    with TemporaryDirectory(prefix="bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output, on_server_core():
            process = subprocess.Popen([sys.executable, _PLAIN, str(port)], stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_until_listening(process, port, log)
            yield Server(PlainDialect(), port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ServerDidNotStart(log.read_text(errors="replace") or "no output")
