"""Start the two servers of the benchmark on the server core, each as the process that a user would start."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.dialects import CloudchatDialect, Dialect, PlainDialect
from benchmarks.machine import on_server_core
from cloudchat.auth.repository import add_user
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.keys import load_or_create
from cloudchat.core.ids import new_id
from cloudchat.database.engine import create_engine
from cloudchat.database.models import ApiToken
from cloudchat.database.transactions import Database
from support.server import RunningServer, free_port

_PLAIN = Path(__file__).parent / "plain_server.py"
_TIMEOUT_SECONDS = 30.0  # for the start and for the end of a server
_SOCKETS_PER_USER = 8
_DAY_SECONDS = 86400


class ServerStartFailed(RuntimeError):
    """The server ended or did not listen in time; the message contains its output."""


@dataclass(frozen=True)
class Server:
    """A running server. `store_pid` is the process of its store if it has one."""

    dialect: Dialect
    port: int
    pid: int
    store_pid: int | None = None


@contextmanager
def cloudchat(members: int) -> Iterator[Server]:
    """Run `cloudchat serve` with a new state directory, users for `members` sockets, and raised limits."""
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
            raise ServerStartFailed(str(error)) from error
        tokens = _create_tokens(members, running.state_dir)
        yield Server(CloudchatDialect(tokens), running.port, running.pid, running.store_pid)
    finally:
        running.close()


@contextmanager
def plain() -> Iterator[Server]:
    """Run `plain_server.py`, the ConnectionManager of the tutorials."""
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
                process.wait(_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _create_tokens(members: int, state: Path) -> list[str]:
    """Create users for `members` sockets in the server's database, and return an API token of each.

    Registration through HTTP would hash a password for each user, and would take hours under its rate limit. The tokens
    are real: signed with the server's own key, and verified by it at each connect like any other. All names have the
    same length, so that all messages have the same length.
    """
    now = time.time()
    tokens = Tokens(load_or_create(state / "keys"), access_seconds=600)
    issued: list[str] = []
    database = Database(create_engine(f"sqlite:///{state / 'cloudchat.db'}"))
    try:
        with database.write() as db:
            for number in range(-(-members // _SOCKETS_PER_USER)):
                user = add_user(db, name=f"bench{number:05d}", password_hash=None, role="member", now=now)
                row = ApiToken(
                    id=new_id(),
                    user_id=user.id,
                    scopes="chat:read chat:write",
                    label="benchmark",
                    created_at=now,
                    expires_at=now + _DAY_SECONDS,
                )
                db.add(row)
                issued.append(tokens.issue_api(user.id, row.id, now, int(now) + _DAY_SECONDS))
    finally:
        database.close()
    return issued


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ServerStartFailed(log.read_text(errors="replace") or "no output")
