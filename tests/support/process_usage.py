"""Memory and sockets of a process, from /proc."""

import contextlib
import os
from pathlib import Path

_LISTEN = "0A"


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process (VmRSS)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has ended")


def client_sockets(pid: int, port: int) -> int:
    """Return the number of descriptors that the process holds for TCP connections to its own `port`, in any state."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] != _LISTEN:
            inodes.add(f"socket:[{fields[9]}]")
    count = 0
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{pid}/fd/{descriptor}") in inodes
    return count


def private_bytes(pid: int) -> int:
    """Return the memory that would be free without this process: its pages that no other process maps."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))
