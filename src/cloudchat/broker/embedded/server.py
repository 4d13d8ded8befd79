"""The embedded store: a real Valkey or Redis as this process's child, kept running, reached by a unix socket.

It is the same software, reached by the same client, as a store of one's own at CLOUDCHAT_REDIS_URL: there is no second
code path that only small installations would test.
"""

import contextlib
import logging
import os
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote

from cloudchat.broker.embedded.binary import find_server_binary
from cloudchat.broker.embedded.data_dir_lock import end_leftovers, lock_folder, socket_path
from cloudchat.broker.embedded.errors import StoreStartError
from cloudchat.broker.embedded.process import spawn, wait_until_ready

__all__ = ["EmbeddedServer", "StoreStartError", "find_server_binary"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0  # seconds before a dead child is started again, doubling
_STEADY = 30.0  # seconds of life after which the pause is short again
_SECONDS_TO_STOP = 3.0

logger = logging.getLogger("cloudchat.store")


class EmbeddedServer:
    """A store that lives from `start()` to `stop()`, through any number of its own deaths.

    The folder must exist and be private. The child is forked by one thread that lasts as long as this process,
    because PR_SET_PDEATHSIG fires when the forking *thread* ends.
    """

    def __init__(self, directory: Path, binary: Path) -> None:
        self._folder = directory.resolve()
        self._binary = binary
        self._socket: Path | None = None
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._failure: StoreStartError | OSError | None = None
        self._thread = threading.Thread(target=self._keep_running, name="embedded-store", daemon=True)

    @property
    def url(self) -> str:
        """The unix:// URL for redis-py. The same before and after a restart of the child."""
        if self._socket is None:
            raise StoreStartError("the store has not been started")
        return f"unix://{quote(str(self._socket))}"

    def start(self) -> None:
        """Start the child and return once it has loaded its data. Raises StoreStartError, leaving nothing behind."""
        self._lock = lock_folder(self._folder.with_name(f"{self._folder.name}.lock"))
        self._socket = socket_path(self._folder)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self.stop()
            raise self._failure

    def stop(self) -> None:
        """End the child and give the folder free. Harmless when it never started."""
        self._stopping.set()
        if self._thread.ident is not None:
            process = self._process
            if process is not None:
                process.terminate()
            self._thread.join(_SECONDS_TO_STOP)
            if self._thread.is_alive():
                logger.warning(
                    "The store did not end within %g s and was killed; nothing stored is lost.", _SECONDS_TO_STOP
                )
                if self._process is not None:
                    self._process.kill()
                self._thread.join()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
            if self._socket.parent != self._folder:
                with contextlib.suppress(OSError):
                    self._socket.parent.rmdir()

    def _keep_running(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._run_once()
            except (StoreStartError, OSError) as error:
                if not self._ready.is_set():  # the first start: the caller tells
                    self._failure = error
                    self._ready.set()
                    return
                logger.error("The store does not come back: %s", error)  # noqa: TRY400 — a trace would add nothing
            if self._stopping.wait(pause):
                return
            pause = _FIRST_PAUSE if time.monotonic() - started > _STEADY else min(pause * 2, _LONGEST_PAUSE)

    def _run_once(self) -> None:
        """Start the child and wait for its end. Raises StoreStartError when it never became ready."""
        assert self._lock is not None and self._socket is not None  # noqa: S101, PT018 — start() has set both
        end_leftovers(self._lock)  # a fork of the dead child may still be rewriting its log
        self._process = process = spawn(self._binary, self._folder, self._socket, self._lock)
        try:
            wait_until_ready(process, self._binary, self._folder, self._socket, self._stopping.is_set)
        except StoreStartError:
            process.kill()
            process.wait()
            raise
        if self._stopping.is_set():
            process.terminate()
        self._ready.set()
        process.wait()
        if not self._stopping.is_set():
            logger.error("The store (pid %d) ended with code %d; starting it again.", process.pid, process.returncode)
