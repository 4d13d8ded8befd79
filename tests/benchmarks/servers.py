"""Start the servers of the benchmark on the server core, each as the process that a user would start."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.accounts import TOKEN_SECONDS, create_tokens
from benchmarks.machine import on_server_core
from support.postgres import RunningPostgres
from support.processes import children_of
from support.server import RunningServer, free_port

PROGRAMS = Path(__file__).parent / "programs"
CLOUDCHAT, PLAIN, BARE = "cloudchat", "plain FastAPI", "bare C loop"
_TIMEOUT_SECONDS = 30.0  # for the start and for the end of a server

# All members of a benchmark come from one address, and one of them sends as fast as a room of people. The limits are
# raised, and still checked.
_RAISED_LIMITS = {
    "CLOUDCHAT_SENDS_PER_10S": "100000000",
    "CLOUDCHAT_SOCKETS_PER_ADDRESS": "100000",
    "CLOUDCHAT_CONNECT_RATE": "1000000/minute",
    "CLOUDCHAT_CONNECT_USER_RATE": "1000000/minute",
    "CLOUDCHAT_ACCESS_TOKEN_SECONDS": str(TOKEN_SECONDS),
}


class ServerStartFailed(RuntimeError):
    """The server ended or did not listen in time; the message contains its output."""


@dataclass(frozen=True)
class Server:
    """A running server. `dialect` is what it speaks (load --help), `roots` are its processes, without their children.

    Each member takes its own one of the `tokens`, if there are enough.
    """

    name: str
    dialect: str
    port: int
    roots: tuple[int, ...]
    tokens: Sequence[str] = field(default=(), repr=False)

    @property
    def pids(self) -> list[int]:
        """All processes whose CPU and memory count as the server's: with its store and its database."""
        found = list(self.roots)
        for pid in found:
            found += [child for child in children_of(pid) if child not in found]
        return found


@contextmanager
def running_cloudchat(
    users: int,
    *,
    room_members: int = 0,
    postgres: RunningPostgres | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[RunningServer, Server]]:
    """Run `cloudchat serve` with a new state directory and `users` accounts, on SQLite if there is no `postgres`.

    With `room_members`, the users are in rooms of that size, as the load generator expects them.
    """
    settings = {**_RAISED_LIMITS, **(environment or {})}
    if postgres:
        settings["CLOUDCHAT_DATABASE_URL"] = postgres.migrated_database()
    running = RunningServer(environment=settings)
    try:
        try:
            with on_server_core():
                running.start()
        except AssertionError as error:
            raise ServerStartFailed(str(error)) from error
        url = settings.get("CLOUDCHAT_DATABASE_URL", f"sqlite:///{running.state_dir / 'cloudchat.db'}")
        tokens = create_tokens(users, running.state_dir, url, room_members=room_members) if users else []
        yield running, as_server(running, tokens, postgres)
    finally:
        running.close()


def as_server(running: RunningServer, tokens: Sequence[str], postgres: RunningPostgres | None = None) -> Server:
    """Describe a running cloudchat, whose processes differ after each start."""
    roots = (running.pid, running.store_pid, *((postgres.pid,) if postgres else ()))
    return Server(CLOUDCHAT, "cloudchat", running.port, roots, tokens)


@contextmanager
def running_plain() -> Iterator[Server]:
    """Run the ConnectionManager of the tutorials."""
    with running_program(PLAIN, "websocket", [sys.executable, str(PROGRAMS / "plain_fastapi.py")]) as server:
        yield server


@contextmanager
def running_program(
    name: str, dialect: str, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server that takes its port as its last argument. Raises ServerStartFailed."""
    port = free_port()
    with TemporaryDirectory(prefix="bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output, on_server_core():
            process = subprocess.Popen(
                [*command, str(port)], stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=environment
            )
        try:
            _wait_until_listening(process, port, log)
            yield Server(name, dialect, port, (process.pid,))
        finally:
            process.terminate()
            try:
                process.wait(_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise ServerStartFailed(log.read_text(errors="replace") or "no output")
