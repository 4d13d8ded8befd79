"""The names of epochs."""

import itertools
import os
import secrets

_epoch_numbers = itertools.count()
_process = secrets.token_urlsafe(12)


def new_epoch() -> str:
    """Return a unique name for an epoch: 96 random bits of this process, and a counter.

    Every append sends one, in case its room needs a new epoch. Fresh random bits for each append cost 2 % of the CPU
    time of a busy server.
    """
    return f"{_process}.{next(_epoch_numbers)}"


def _renew() -> None:
    global _process
    _process = secrets.token_urlsafe(12)


# Workers are forked from one process, which has loaded this module. With its random bits, two of them would give the
# same name to two epochs of a room.
os.register_at_fork(after_in_child=_renew)
