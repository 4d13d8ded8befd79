"""`RunningServer`: the real `cloudchat serve`, in its own process, on a free port, with its own state."""

import atexit
import functools
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
from pathlib import Path
from types import TracebackType
from typing import Self

from cloudchat.auth.bootstrap import bootstrap
from cloudchat.cli.state_folder import prepare_state_folder
from cloudchat.database.migrations import upgrade
from cloudchat.settings import Settings
from support import processes
from support.lifetime import EndsWithItsBlock
from support.log_secrets import secret_in

CLOUDCHAT = Path(sysconfig.get_path("scripts")) / "cloudchat"
_OPEN = re.compile(r"open at http://\S+:(\d+)")
_PASSWORD = re.compile(r"one-time password: (\S+)")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@functools.cache
def first_state() -> tuple[Path, str]:
    """A state folder after its first start, made once for each process of the tests, and its one-time password."""
    folder = Path(tempfile.mkdtemp(prefix="cc-first-", dir="/tmp")) / "state"
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    settings = Settings(state_dir=prepare_state_folder(folder), database_url=None)
    upgrade(settings.database.get_secret_value())
    password = bootstrap(settings)
    assert password is not None
    return folder, password


def environment_of(state_dir: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without any setting of the developer's own shell, and with the test's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDCHAT_")}
    return {**clean, "CLOUDCHAT_STATE_DIR": str(state_dir), "PYTHONUNBUFFERED": "1", **(extra or {})}


def serve_to_its_end(
    state_dir: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `cloudchat serve` where it is expected to refuse; kills it and raises TimeoutExpired when it does not."""
    return subprocess.run(
        [CLOUDCHAT, "serve", *arguments],
        env=environment_of(state_dir, {"CLOUDCHAT_PORT": "0", **(environment or {})}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


class RunningServer(EndsWithItsBlock):
    """A server that a test may kill, stop and start again as often as it likes.

    Use as a context manager; leaving it ends every process that it started. The first start picks a free port and
    keeps it, so that clients find the server again after `restart()`.
    """

    def __init__(
        self,
        *,
        state_dir: Path | None = None,
        port: int | None = None,
        workers: int = 1,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        command: Sequence[str] = (str(CLOUDCHAT),),
        pass_fds: Sequence[int] = (),
        first_start: bool = False,
    ) -> None:
        """`first_start`: begin with nothing; else with what a first start has made, which is half a second less."""
        self._own_state = None if state_dir else Path(tempfile.mkdtemp(prefix="cc-", dir="/tmp"))
        self.state_dir = state_dir or self._own_state / "state"
        self._prepared_password: str | None = None
        if state_dir is None and not first_start and "CLOUDCHAT_DATABASE_URL" not in (environment or {}):
            prepared, self._prepared_password = first_state()
            shutil.copytree(prepared, self.state_dir, copy_function=shutil.copy2)
        self.port = port or 0
        self.workers = workers
        self.environment = dict(environment or {})
        self._command = [*command, "serve", *arguments]
        self._pass_fds = tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | None = None
        self._output = bytearray()
        self._news = threading.Condition()
        self._silent = False  # the output is at its end: nothing more can come
        self._seen: dict[int, str | None] = {}

    # -- where it is --

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
        """Pid of the embedded store that runs now."""
        return int((self.state_dir / "store" / "store.pid").read_text())

    @property
    def worker_pids(self) -> list[int]:
        """The worker processes, when there are several."""
        return [pid for pid in processes.children_of(self.pid) if "spawn_main" in processes.command_line(pid)]

    @property
    def log(self) -> str:
        """Everything the server wrote so far, of all its starts."""
        with self._news:
            return self._output.decode(errors="replace")

    @property
    def first_password(self) -> str:
        """The first administrator's one-time password, as the first start printed it."""
        if self._prepared_password is not None:
            return self._prepared_password
        found = _PASSWORD.search(self.log)
        assert found, f"no one-time password in:\n{self.log}"
        return found[1]

    # -- its life --

    def start(self, *, wait: bool = True) -> Self:
        """Start it; with `wait`, return once it says where it is open."""
        assert self._process is None or self._process.poll() is not None, "already running"
        already = len(self.log)
        variables = {"CLOUDCHAT_PORT": str(self.port), "CLOUDCHAT_WORKERS": str(self.workers), **self.environment}
        process = subprocess.Popen(
            self._command,
            env=environment_of(self.state_dir, variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=self._pass_fds,
        )
        with self._news:  # the reader of the process before may reach its end only now: it must not speak for this one
            self._process = process
            self._silent = False
        threading.Thread(target=self._collect, args=(process,), daemon=True).start()
        self._remember()
        if wait:
            self.port = int(self.wait_for_output(_OPEN, since=already)[1])
            self._remember()
        return self

    def wait_for_output(self, pattern: re.Pattern[str] | str, *, since: int = 0, seconds: float = 30) -> re.Match[str]:
        """Wait until the output after character `since` matches. Raises AssertionError with the whole log."""
        expression = re.compile(pattern)
        with self._news:
            self._news.wait_for(
                lambda: expression.search(self.log, since) or self._silent,
                timeout=seconds,
            )
            found = expression.search(self.log, since)
        assert found, f"{expression.pattern!r} did not come; the log:\n{self.log}"
        return found

    def kill(self) -> None:
        """SIGKILL the server alone, as the kernel would when memory runs out."""
        self.signal(signal.SIGKILL)
        self.wait()

    def kill_store(self) -> int:
        """SIGKILL the embedded store alone; returns its pid."""
        self._remember()
        pid = self.store_pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_new_store(self, old_pid: int) -> int:
        """Wait until the server has replaced the store `old_pid`; returns the new one's pid."""
        processes.wait_until(lambda: self._store_pid_or_none() not in (None, old_pid), "a new store")
        self._remember()
        return self.store_pid

    def terminate(self) -> int:
        """SIGTERM, as `systemctl stop` does; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def signal(self, number: signal.Signals) -> None:
        self._remember()
        assert self._process is not None, "not started"
        self._process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """Wait for the server's own process; returns its exit code."""
        assert self._process is not None, "not started"
        return self._process.wait(seconds)

    def restart(self) -> Self:
        """Start again with the same port and state; stops it first when it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.terminate()
        return self.start()

    def close(self) -> None:
        """End everything that was started, also what a failed test left behind, and remove the state."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pid, started in self._seen.items():
            processes.end(pid, started)
        if self._own_state:
            shutil.rmtree(self._own_state, ignore_errors=True)
        assert (told := secret_in(self.log)) is None, f"a secret in the log: {told}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stderr.write(f"--- log of {self.url} ---\n{self.log}\n")
        super().__exit__(kind, error, trace)

    # -- inside --

    def _store_pid_or_none(self) -> int | None:
        try:
            pid = self.store_pid
        except (OSError, ValueError):
            return None
        return pid if processes.is_alive(pid) else None

    def _remember(self) -> None:
        """Note every process of ours with its start time, so that `close` can end what outlives the server."""
        for pid in [self.pid, *processes.children_of(self.pid), self._store_pid_or_none()]:
            if pid is not None and pid not in self._seen:
                self._seen[pid] = processes.start_time(pid)

    def _collect(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout:
            while chunk := os.read(process.stdout.fileno(), 65536):
                with self._news:
                    self._output += chunk
                    self._news.notify_all()
        with self._news:
            self._silent = process is self._process
            self._news.notify_all()
