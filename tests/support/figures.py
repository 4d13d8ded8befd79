"""What an attack costs the process that is attacked."""

import contextlib
import os
from pathlib import Path

_LISTEN = "0A"


def resident_bytes(pid: int) -> int:
    """Memory of the process, as `VmRSS`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory: it has ended")


def client_sockets(pid: int, port: int) -> int:
    """Descriptors that the process holds for TCP connections to its own `port`, in whatever state they are."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] != _LISTEN:
            inodes.add(f"socket:[{fields[9]}]")
    held = 0
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            held += os.readlink(f"/proc/{pid}/fd/{descriptor}") in inodes
    return held
