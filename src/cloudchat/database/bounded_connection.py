"""A connection to PostgreSQL with a timeout for each answer.

Without it libpq waits forever for a server that hangs while its kernel still acknowledges packets: `connect_timeout`
covers only the start, and TCP's own timeouts cover only a machine that is gone. Each request would hold a thread, no
client would get a response, and revocations would not be read.

A separate module, because psycopg is an extra.
"""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

ANSWER_TIMEOUT_SECONDS = 4.0
"""Together with `connect_timeout` for a second attempt it must be less than the time that a handshake may take."""


_T = TypeVar("_T")


class BoundedConnection(psycopg.Connection[Any]):
    """Raises `psycopg.OperationalError` when an answer takes longer than `ANSWER_TIMEOUT_SECONDS`."""

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """Wait for an answer. psycopg calls this for every query."""
        try:
            return super().wait(gen, interval, ANSWER_TIMEOUT_SECONDS if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                # The answer may still come, and the next query must not mistake it for its own.
                self.close()
            raise
