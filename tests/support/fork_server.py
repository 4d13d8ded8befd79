"""Start `cloudchat serve` as a fork of a process that has imported it already. A start then costs a fourth of the CPU.

The process is the fork server of `multiprocessing`: it has no threads, imports cloudchat once, and forks a child for
each request. The child becomes what the console script would be (its own session, environment, arguments, output) and
calls the same `main`.

What still differs: `__main__`, the hash seed (one per fork server), the command line and the environment in /proc, and
the memory that a password hash takes.
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.cli.main import main

_PRELOADED = (
    "cloudchat.app.application",
    "cloudchat.auth.bootstrap",
    "cloudchat.broker.embedded.server",
    "cloudchat.cli.serving.announcement",
    "cloudchat.cli.serving.http_server",
    "cloudchat.cli.init",
    "cloudchat.cli.serving.listener",
    "cloudchat.cli.main",
    "cloudchat.cli.server_record",
    "cloudchat.cli.state_folder",
    "cloudchat.database.migrations",
    "cloudchat.doctor.store_requirements",
    "cloudchat.http.http_protocol",
    "cloudchat.realtime.transport.websocket_protocol",
    "cloudchat.cli.environment",
    # Imported for the first registration.
    "cloudchat.auth.passwords.blocklist",
    "confusable_homoglyphs.categories",
    # Libraries import these at their first use.
    "anyio.streams.memory",
    "argon2",
    "cryptography.hazmat.backends.openssl.backend",
    "encodings.idna",
    "passlib.context",
    "passlib.handlers.argon2",
    "pydantic.v1",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
)
"""The modules that `cloudchat serve` has imported when its first user is signed in. A child imports others itself."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([*_PRELOADED])


class ForkedCommand:
    """`cloudchat …` as a child of the fork server, with the methods of `subprocess.Popen` that a test needs.

    `output` receives standard output, and `errors`, or else `output` too, standard error.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: Connection,
        errors: Connection | None = None,
    ) -> None:
        # A daemon of multiprocessing is ended when the test process ends.
        self._process = _context.Process(target=_run, args=(arguments, environment, output, errors), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or minus the number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return the exit code. Raises TimeoutExpired."""
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("cloudchat", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run_forked(
    arguments: Sequence[str], environment: Mapping[str, str], seconds: float
) -> "subprocess.CompletedProcess[str]":
    """Run `cloudchat …` to its end. Raises TimeoutExpired, and kills it, if it is still running after `seconds`."""
    output, output_writer = multiprocessing.Pipe(duplex=False)
    errors, errors_writer = multiprocessing.Pipe(duplex=False)
    with output, errors:
        with output_writer, errors_writer:
            command = ForkedCommand(arguments, environment, output_writer, errors_writer)
        try:
            code = command.wait(seconds)
        except subprocess.TimeoutExpired:
            command.kill()
            raise
        return subprocess.CompletedProcess(["cloudchat", *arguments], code, _content(output), _content(errors))


def _content(reader: Connection) -> str:
    """Return what is in a pipe. Does not wait for its end: a process that was left behind may hold it open."""
    os.set_blocking(reader.fileno(), False)
    with open(reader.fileno(), "rb", closefd=False) as pipe:
        return (pipe.read() or b"").decode()


def _run(
    arguments: Sequence[str], environment: Mapping[str, str], output: Connection, errors: Connection | None
) -> None:
    os.setsid()
    os.dup2(output.fileno(), 1)
    os.dup2((errors or output).fileno(), 2)
    for connection in filter(None, (output, errors)):
        connection.close()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["cloudchat", *arguments]
    # The fork server ignores a module that does not exist (any more): every start would be slow again.
    assert sys.modules.keys() >= {*_PRELOADED}, {*_PRELOADED} - sys.modules.keys()
    # 64 KiB instead of 19 MiB: of the CPU of a test with a server and two users, half went into hashes.
    PasswordHasher.__init__.__defaults__ = (64,)
    try:
        sys.exit(main())
    finally:
        atexit._run_exitfuncs()  # a child of multiprocessing ends without them
