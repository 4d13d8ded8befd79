"""A worker whose event loop is blocked serves nobody, while its process lives: it ends itself, and is replaced.

uvicorn's own question to a worker is answered by a thread, which a blocked loop does not hold up.
"""

import asyncio
import faulthandler
import logging
import os
import threading
from collections.abc import Callable
from typing import NoReturn

log = logging.getLogger(__name__)

_CHANCES = 2  # a process that was stopped as a whole, and goes on, has missed one without being blocked


def watch_loop(loop: asyncio.AbstractEventLoop, seconds: float, blocked: Callable[[], object] | None = None) -> None:
    """From now on, in a thread of its own, until the loop is closed: end this process when the loop is blocked so long.

    `blocked` is called in place of the end, once.
    """
    watch = threading.Thread(target=_watch, args=(loop, seconds / _CHANCES, blocked or _end), daemon=True)
    watch.start()


def _watch(loop: asyncio.AbstractEventLoop, patience: float, blocked: Callable[[], object]) -> None:
    missed = 0
    while missed < _CHANCES:
        turned = threading.Event()
        try:
            loop.call_soon_threadsafe(turned.set)
        except RuntimeError:  # closed
            return
        missed = 0 if turned.wait(patience) else missed + 1
        if not missed:
            threading.Event().wait(patience)
    blocked()


def _end() -> NoReturn:
    log.critical("event loop blocked, this worker ends")
    faulthandler.dump_traceback()  # where it is blocked
    os._exit(1)
