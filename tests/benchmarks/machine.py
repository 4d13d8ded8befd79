"""Where and with what the figures were taken: without it no figure can be compared with another day's."""

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import cores
from benchmarks.figures import percentile

_PACKAGES = ("cloudchat", "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "websockets", "msgspec", "redis")
_FSYNCS = 100


def describe() -> dict[str, object]:
    """Machine, date and versions, ready for JSON."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "server_core": cores.server_core(),
            "generator_core": cores.generator_core(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "kernel": platform.release(),
            "fsync_p50_ms": round(_fsync_p50() * 1000, 3),
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "commit": _commit(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _fsync_p50() -> float:
    """Seconds one fsync takes where the servers' temporary state lies: the least that an `ack` waits for."""
    times: list[float] = []
    with TemporaryDirectory(prefix="bench-") as folder, (Path(folder) / "probe").open("wb", buffering=0) as probe:
        for _ in range(_FSYNCS):
            probe.write(b"x" * 400)
            start = time.perf_counter()
            os.fdatasync(probe.fileno())
            times.append(time.perf_counter() - start)
    return percentile(times, 0.5)


def _commit() -> str | None:
    """The commit measured, or None outside a checkout."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None
