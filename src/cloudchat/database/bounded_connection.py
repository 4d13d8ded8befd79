"""A connection to PostgreSQL that gives up a server which does not answer.

libpq waits for ever for a server that stands still but whose kernel still acknowledges; `connect_timeout` covers only
the beginning, and TCP's own timeouts only a machine that is gone. Meanwhile each request would hold a thread, nobody
would be answered, and revocations would not be read.
"""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

ANSWER_SECONDS = 4.0
"""With `connect_timeout` for a second try it must be less than the time of a handshake, which ends with an answer."""


_T = TypeVar("_T")


class BoundedConnection(psycopg.Connection[Any]):
    """Raises `psycopg.OperationalError` when an answer takes longer than `ANSWER_SECONDS`."""

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """See psycopg, which calls this for whatever it asks."""
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                # No answer of the server's: it may still come, and must not be taken for that to the next question.
                self.close()
            raise
