"""What /proc says about a running server (its memory and its CPU time), and about the core it runs on."""

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """The resident memory (VmRSS) of a process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"process {pid} has ended")


def settled_bytes(pid: int, patience: float = 3.0) -> int:
    """The resident memory once it has stayed the same for 0.3 s, or after `patience` seconds."""
    end = time.monotonic() + patience
    last, same = resident_bytes(pid), 0
    while same < 3 and time.monotonic() < end:
        time.sleep(0.1)
        now = resident_bytes(pid)
        same = same + 1 if now == last else 0
        last = now
    return last


def cpu_seconds(pid: int) -> float:
    """The CPU time a process has used, user and system, in seconds."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def core_seconds(core: int) -> float:
    """The time this core has worked, for whomever, in seconds; what a hypervisor gave to other machines included."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _iowait, interrupts, soft_interrupts, stolen = map(int, line.split()[1:9])
            return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS
    raise ValueError(f"there is no core {core}")
