"""The names of epochs."""

import itertools
import os
import secrets

_process = ""
_numbers = itertools.count()


def new_epoch() -> str:
    """Return a unique name for an epoch: 96 random bits of this process, and a counter.

    Every append sends one, in case its room needs a new epoch. Fresh random bits for each append cost 2 % of the CPU
    time of a busy server.
    """
    return f"{_process}.{next(_numbers)}"


def _begin_process() -> None:
    global _process, _numbers
    _process = secrets.token_urlsafe(12)
    _numbers = itertools.count()


_begin_process()
# Workers are forked from a process that has loaded this module: with its bits, two of them would make the same names.
os.register_at_fork(after_in_child=_begin_process)
