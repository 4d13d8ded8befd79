"""`RunningServer`: the real `cloudchat serve` as a process, on a free port, with its own state directory."""

import atexit
import functools
import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from cloudchat.auth.bootstrap import bootstrap
from cloudchat.cli.state_folder import prepare_state_folder
from cloudchat.database.migrations import upgrade
from cloudchat.settings import Settings
from support import processes
from support.fork_server import ForkedCommand, run_forked
from support.log_secrets import secret_in
from support.processes import ManagedProcess

CLOUDCHAT = Path(sysconfig.get_path("scripts")) / "cloudchat"
# -P: the modules beside it have names of the standard library.
WITH_CHEAP_HASHES = (sys.executable, "-P", str(Path(__file__).with_name("cheap_hashes.py")))
_READY = re.compile(r"open at http://\S+:(\d+)\s")  # with its end: the output arrives in parts
_PASSWORD = re.compile(r"one-time password: (\S+)")


def free_port() -> int:
    """Return a port that no process listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@functools.cache
def _prepared_state() -> tuple[Path, str]:
    """Return a state directory as after a first start, made once per test process, and its one-time password."""
    folder = Path(tempfile.mkdtemp(prefix="cc-first-", dir="/tmp")) / "state"
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    settings = Settings(state_dir=prepare_state_folder(folder), database_url=None)
    upgrade(settings.database.get_secret_value())
    password = bootstrap(settings)
    assert password is not None
    return folder, password


def environment_of(state_dir: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this environment without the settings of the developer's shell, and with those of the test."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDCHAT_")}
    return {**inherited, "CLOUDCHAT_STATE_DIR": str(state_dir), "PYTHONUNBUFFERED": "1", **(extra or {})}


def serve_to_its_end(
    state_dir: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `cloudchat serve` in a case in which it must not start. Raises TimeoutExpired, and kills it, if it starts."""
    variables = environment_of(state_dir, {"CLOUDCHAT_PORT": "0", **(environment or {})})
    if RunningServer.may_fork and _has_settings_only(environment or {}):
        return run_forked(["serve", *arguments], variables, seconds=30)
    return subprocess.run(
        [CLOUDCHAT, "serve", *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def _has_settings_only(environment: Mapping[str, str]) -> bool:
    """Return whether no variable is one that the interpreter or a library reads when it starts."""
    return all(name.startswith("CLOUDCHAT_") for name in environment)


class RunningServer(ManagedProcess):
    """A server that a test may kill, stop and start again any number of times.

    Use as a context manager: its end ends every process that the server started. The first start chooses a free port,
    and later starts use the same one, so that clients can reconnect after `restart()`.

    With `may_fork`, a server without special command, descriptors and foreign variables is not started by the console
    script: it is forked from a process that has imported cloudchat already (`support.fork_server`), or, if it has
    workers, started with cheap password hashes (`support.cheap_hashes`).
    """

    may_fork: ClassVar[bool] = False
    """tests/conftest.py sets it. Benchmarks measure the console script."""

    def __init__(
        self,
        *,
        state_dir: Path | None = None,
        port: int | None = None,
        workers: int = 1,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        command: Sequence[str] | None = None,
        pass_fds: Sequence[int] = (),
        first_start: bool = False,
    ) -> None:
        """`first_start`: start without any state. Otherwise a prepared state saves half a second.

        `command` replaces the console script.
        """
        self._temporary = None if state_dir else Path(tempfile.mkdtemp(prefix="cc-", dir="/tmp"))
        self.state_dir = self._temporary / "state" if self._temporary else Path(state_dir or "")
        self._prepared_password: str | None = None
        if state_dir is None and not first_start and "CLOUDCHAT_DATABASE_URL" not in (environment or {}):
            prepared, self._prepared_password = _prepared_state()
            shutil.copytree(prepared, self.state_dir, copy_function=shutil.copy2)
        self.port = port or 0
        self.workers = workers
        self.environment = dict(environment or {})
        self._command = command
        self._arguments = tuple(arguments)
        self._pass_fds = tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | ForkedCommand | None = None
        self._output = bytearray()
        self._output_changed = threading.Condition()
        self._output_ended = False
        self._start_times: dict[int, str | None] = {}

    # -- addresses, pids, output --

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def store_pid(self) -> int:
        """The pid of the running embedded store."""
        return int((self.state_dir / "store" / "store.pid").read_text())

    @property
    def worker_pids(self) -> list[int]:
        """The pids of the worker processes; empty with a single process."""
        if self.workers == 1:
            return []  # without reading the state of every process of the machine
        return [
            worker
            for child in processes.children_of(self.pid)
            if "forkserver" in processes.command_line(child)
            for worker in processes.children_of(child)
        ]

    @property
    def log(self) -> str:
        """Everything that the server has written, since its first start."""
        with self._output_changed:
            return self._output.decode(errors="replace")

    @property
    def first_password(self) -> str:
        """The one-time password of the first administrator, from the first start."""
        if self._prepared_password is not None:
            return self._prepared_password
        found = _PASSWORD.search(self.log)
        assert found, f"no one-time password in:\n{self.log}"
        return found[1]

    # -- lifecycle --

    def start(self, *, wait: bool = True) -> Self:
        """Start the server. With `wait`, return when it prints its address."""
        assert self._process is None or self._process.poll() is not None, "already running"
        since = len(self.log)
        variables = {"CLOUDCHAT_PORT": str(self.port), "CLOUDCHAT_WORKERS": str(self.workers), **self.environment}
        reader, writer = multiprocessing.Pipe(duplex=False)
        with writer:
            process = self._start_process(environment_of(self.state_dir, variables), writer)
        with (
            self._output_changed
        ):  # the thread of the previous process may end only now: it must not set `_output_ended`
            self._process = process
            self._output_ended = False
        threading.Thread(target=self._read_output, args=(process, reader), daemon=True).start()
        self._record_processes()
        if wait:
            self.port = int(self.wait_for_output(_READY, since=since)[1])
            self._record_processes()
        return self

    def wait_for_output(self, pattern: re.Pattern[str] | str, *, since: int = 0, seconds: float = 30) -> re.Match[str]:
        """Wait until the output after character `since` matches. Raises AssertionError with the whole log."""
        expression = re.compile(pattern)
        with self._output_changed:
            self._output_changed.wait_for(
                lambda: expression.search(self.log, since) or self._output_ended,
                timeout=seconds,
            )
            found = expression.search(self.log, since)
        assert found, f"{expression.pattern!r} is not in the log:\n{self.log}"
        return found

    def kill(self) -> None:
        """SIGKILL the server alone, as the kernel does when memory runs out."""
        self.signal(signal.SIGKILL)
        self.wait()

    def kill_store(self) -> int:
        """SIGKILL the embedded store alone; return its pid."""
        self._record_processes()
        pid = self.store_pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_new_store(self, old_pid: int) -> int:
        """Wait until the server has replaced the store `old_pid`; return the pid of the new one."""
        processes.wait_until(lambda: self._store_pid_or_none() not in (None, old_pid), "a new store")
        self._record_processes()
        return self.store_pid

    def terminate(self) -> int:
        """SIGTERM, as from `systemctl stop`; return the exit code. Everything that it wrote is in `log` then."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        with self._output_changed:  # a process that a test has orphaned may keep the output open
            self._output_changed.wait_for(lambda: self._output_ended, timeout=5)
        return code

    def signal(self, number: signal.Signals) -> None:
        self._record_processes()
        assert self._process is not None, "not started"
        self._process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """Wait for the end of the server's own process; return its exit code."""
        assert self._process is not None, "not started"
        return self._process.wait(seconds)

    def restart(self) -> Self:
        """Start again with the same port and state; stop the server first if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.terminate()
        return self.start()

    def close(self) -> None:
        """End all processes, including those that a failed test left, and remove the state."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pid, started in self._start_times.items():
            processes.end(pid, started)
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)
        assert (line := secret_in(self.log)) is None, f"a secret in the log: {line}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stderr.write(f"--- log of {self.url} ---\n{self.log}\n")
        super().__exit__(kind, error, trace)

    # -- internal --

    def _store_pid_or_none(self) -> int | None:
        try:
            pid = self.store_pid
        except (OSError, ValueError):
            return None
        return pid if processes.is_alive(pid) else None

    def _record_processes(self) -> None:
        """Record every process of the server with its start time, so that `close` can end those that are left."""
        for pid in [self.pid, *processes.children_of(self.pid), *self.worker_pids, self._store_pid_or_none()]:
            if pid is not None and pid not in self._start_times:
                self._start_times[pid] = processes.start_time(pid)

    def _start_process(
        self, environment: Mapping[str, str], output: Connection
    ) -> subprocess.Popen[bytes] | ForkedCommand:
        is_usual = _has_settings_only(self.environment) and not self._pass_fds and not self._command
        if self.may_fork and is_usual and self.workers == 1:
            return ForkedCommand(["serve", *self._arguments], environment, output)
        usual_command = WITH_CHEAP_HASHES if self.may_fork and is_usual else (CLOUDCHAT,)
        return subprocess.Popen(
            [*(self._command or usual_command), "serve", *self._arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output.fileno(),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=self._pass_fds,
        )

    def _read_output(self, process: subprocess.Popen[bytes] | ForkedCommand, output: Connection) -> None:
        with output:
            while chunk := os.read(output.fileno(), 65536):
                with self._output_changed:
                    self._output += chunk
                    self._output_changed.notify_all()
        with self._output_changed:
            self._output_ended = process is self._process
            self._output_changed.notify_all()
