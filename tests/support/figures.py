"""What an attack costs the process that is attacked."""

import os
from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Memory of the process, as `VmRSS`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory: it has ended")


def open_files(pid: int) -> int:
    """Number of open descriptors of the process."""
    return len(os.listdir(f"/proc/{pid}/fd"))
