"""End a worker whose event loop is blocked, so that the parent process replaces it.

uvicorn's own health check does not notice: a thread of the worker answers it, and a blocked loop does not stop threads.
"""

import asyncio
import faulthandler
import logging
import os
import threading
from collections.abc import Callable
from typing import NoReturn

log = logging.getLogger(__name__)

_MAX_MISSED = 2  # a process that was stopped as a whole (SIGSTOP) and continues misses one without being blocked


def watch_loop(loop: asyncio.AbstractEventLoop, seconds: float, on_blocked: Callable[[], object] | None = None) -> None:
    """Start a thread that ends this process if the loop is blocked for `seconds`. The thread ends when the loop closes.

    `on_blocked` is called once instead of ending the process.
    """
    thread = threading.Thread(target=_watch, args=(loop, seconds / _MAX_MISSED, on_blocked or _exit), daemon=True)
    thread.start()


def _watch(loop: asyncio.AbstractEventLoop, interval: float, on_blocked: Callable[[], object]) -> None:
    missed = 0
    while missed < _MAX_MISSED:
        answered = threading.Event()
        try:
            loop.call_soon_threadsafe(answered.set)
        except RuntimeError:  # the loop is closed
            return
        missed = 0 if answered.wait(interval) else missed + 1
        if not missed:
            threading.Event().wait(interval)
    on_blocked()


def _exit() -> NoReturn:
    log.critical("event loop is blocked, this worker exits")
    faulthandler.dump_traceback()  # shows where it is blocked
    os._exit(1)
