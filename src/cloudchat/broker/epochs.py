"""The names of epochs."""

import itertools
import secrets

_PROCESS = secrets.token_urlsafe(12)
_epoch_numbers = itertools.count()


def new_epoch() -> str:
    """Return a unique name for an epoch: 96 random bits of this process, and a counter.

    Every append sends one, in case its room needs a new epoch. Fresh random bits for each append cost 2 % of the CPU
    time of a busy server.
    """
    return f"{_PROCESS}.{next(_epoch_numbers)}"
