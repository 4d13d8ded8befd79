"""One core for the servers, another for the load generator, so that neither takes time from the other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def server_core() -> int:
    """The first core this process may use."""
    return min(_ALLOWED)


def generator_core() -> int:
    """The last core this process may use; the server's own when there is only one, which the report then says."""
    return max(_ALLOWED)


def shared() -> bool:
    """Whether servers and generator have to share a core, which makes every figure worse."""
    return len(_ALLOWED) < 2


@contextmanager
def on_server_core() -> Iterator[None]:
    """Processes started inside inherit the servers' core, the store that cloudchat starts included."""
    os.sched_setaffinity(0, {server_core()})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {generator_core()})


_ALLOWED = os.sched_getaffinity(0)
