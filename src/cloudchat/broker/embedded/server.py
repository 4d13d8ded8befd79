"""Start the embedded store, restart it when it ends, and stop it.

It is the same software as a store at CLOUDCHAT_REDIS_URL and has the same client. So there is no second code path that
only small installations would test.
"""

import contextlib
import logging
import os
import subprocess
import threading
import time
from pathlib import Path

from cloudchat.broker.embedded import StoreStartError
from cloudchat.broker.embedded.data_dir_lock import acquire_lock, kill_orphans, socket_path, socket_url
from cloudchat.broker.embedded.process import spawn, wait_until_ready

MIN_RESTART_SECONDS = 0.05
MAX_RESTART_SECONDS = 5.0
"""The pause before a restart doubles from the minimum to the maximum."""
STABLE_SECONDS = 30.0
"""After a run of this length the pause is the minimum again."""
STOP_SECONDS = 3.0

logger = logging.getLogger("cloudchat.store")


class EmbeddedServer:
    """Runs the store from `start()` to `stop()` and restarts the child whenever it ends.

    `wait_until_ready()` follows `start()`. The caller can do something else between them.

    One thread forks the child and lives as long as this process, because PR_SET_PDEATHSIG fires when the forking
    *thread* ends (prctl(2)).
    """

    def __init__(self, data_dir: Path, binary: Path) -> None:
        """`data_dir` must exist and must be private."""
        self._data_dir = data_dir.resolve()
        self._binary = binary
        self._socket: Path | None = None
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._spawned = threading.Event()
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._start_error: StoreStartError | OSError | None = None
        self._thread = threading.Thread(target=self._supervise, name="embedded-store", daemon=True)

    @property
    def url(self) -> str:
        """The unix:// URL. It does not change when the child is restarted."""
        if self._socket is None:
            raise StoreStartError("the store has not been started")
        return socket_url(self._socket)

    def start(self) -> None:
        """Start the child. Raises StoreStartError."""
        self._lock = acquire_lock(self._data_dir.with_name(f"{self._data_dir.name}.lock"))
        self._socket = socket_path(self._data_dir)
        self._thread.start()
        self._spawned.wait()  # a fork while this thread imports a module would copy the locks that it holds

    def wait_until_ready(self) -> None:
        """Wait until the child has loaded its data. Raises StoreStartError after cleaning up."""
        self._ready.wait()
        if self._start_error is not None:
            self.stop()
            raise self._start_error

    def stop(self) -> None:
        """Stop the child and release the directory. Does nothing if it was never started."""
        self._stopping.set()
        if self._thread.ident is not None:
            process = self._process
            if process is not None:
                process.terminate()
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                logger.warning("embedded store killed because it did not stop; no stored message is lost")
                if self._process is not None:
                    self._process.kill()
                self._thread.join()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
            if self._socket.parent != self._data_dir:
                with contextlib.suppress(OSError):
                    self._socket.parent.rmdir()

    def _supervise(self) -> None:
        pause = MIN_RESTART_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._run_once()
            except (StoreStartError, OSError) as error:
                if not self._ready.is_set():  # the first start: `start` raises the error
                    self._start_error = error
                    self._spawned.set()
                    self._ready.set()
                    return
                logger.error("embedded store cannot be restarted error=%s", error)  # noqa: TRY400 (no use for a trace)
            if self._stopping.wait(pause):
                return
            stable = time.monotonic() - started > STABLE_SECONDS
            pause = MIN_RESTART_SECONDS if stable else min(pause * 2, MAX_RESTART_SECONDS)

    def _run_once(self) -> None:
        """Start the child and wait until it ends. Raises StoreStartError if it does not become ready."""
        assert self._lock is not None and self._socket is not None  # noqa: S101, PT018 (`start` has set both)
        kill_orphans(self._lock)  # a fork of the last child may still be rewriting its log
        self._process = process = spawn(self._binary, self._data_dir, self._socket, self._lock)
        self._spawned.set()
        try:
            wait_until_ready(process, self._binary, self._data_dir, self._socket, self._stopping.is_set)
        except StoreStartError:
            process.kill()
            process.wait()
            raise
        if self._stopping.is_set():
            process.terminate()
        self._ready.set()
        process.wait()
        if not self._stopping.is_set():
            logger.error("embedded store ended with code %d, restarting pid=%d", process.returncode, process.pid)
