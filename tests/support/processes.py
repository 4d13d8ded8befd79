"""Processes of a test: found in /proc, and ended one by one by their pid."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self


class ManagedProcess:
    """A context manager that starts a process, and always ends it, even if its start fails."""

    def start(self) -> Self:
        """Start it, and return when it answers."""
        raise NotImplementedError

    def close(self) -> None:
        """End it, and remove its files."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Poll until `condition()` is true. Raises AssertionError with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


def start_time(pid: int) -> str | None:
    """Return the kernel's start time of a living process, None if it ended. With the pid it identifies the process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def is_alive(pid: int) -> bool:
    return start_time(pid) is not None


def children_of(pid: int) -> list[int]:
    """Return the living direct children of a process."""
    children = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid and fields[0] not in "ZX":
                    children.append(int(entry.name))
    return sorted(children)


def command_line(pid: int) -> str:
    """Return the arguments of a process, joined by spaces; empty if it ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def processes_of(folder: Path) -> list[int]:
    """Return the pids of living processes that have a file below `folder` open, or work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_alive(int(entry.name)):
            with contextlib.suppress(OSError):
                opened = [os.readlink(link) for link in [entry / "cwd", *(entry / "fd").iterdir()]]
                if any(path.startswith(f"{folder}/") for path in opened):
                    found.append(int(entry.name))
    return found


def end(pid: int, started: str | None) -> None:
    """SIGKILL the process with this pid if it is the one that started at `started`: the pid may have been reused."""
    if started is not None and start_time(pid) == started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stop(process: "subprocess.Popen[bytes]", seconds: float = 10.0) -> None:
    """Terminate a child process and wait for its end; kill it if it is still alive after `seconds`."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
