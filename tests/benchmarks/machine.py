"""The machine of a benchmark: a core for each side, CPU time and memory from /proc, and its description."""

import os
import platform
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.results import percentile
from support.process_usage import resident_bytes

_PACKAGES = ("cloudchat", "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "websockets", "msgspec", "redis")
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


def settled_bytes(pid: int, timeout_seconds: float = 3.0) -> int:
    """Return the resident memory when it has not changed for 0.3 s, or at the timeout."""
    deadline = time.monotonic() + timeout_seconds
    last, unchanged = resident_bytes(pid), 0
    while unchanged < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
        now = resident_bytes(pid)
        unchanged = unchanged + 1 if now == last else 0
        last = now
    return last


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, user and system."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_PER_SECOND


def core_seconds(core: int) -> float:
    """Return the time that a core has worked for any process, including time stolen by the hypervisor."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _iowait, interrupts, soft_interrupts, stolen = map(int, line.split()[1:9])
            return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS_PER_SECOND
    raise ValueError(f"there is no core {core}")


def describe() -> dict[str, object]:
    """Return machine, date and versions, ready for JSON: without them, results of two days cannot be compared."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "server_core": SERVER_CORE,
            "generator_core": GENERATOR_CORE,
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "kernel": platform.release(),
            "fsync_p50_ms": round(_fsync_p50_seconds() * 1000, 3),
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
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
