"""A thread with an open connection, for the short reads that handshakes wait for.

Such a read must not wait for anything else: all work that blocks shares the threads of asyncio, and a writer that
waits for a lock blocks one of them. And around a small query, a transaction of `transactions.py` costs more than the
query itself: the pool's connection, its ping, BEGIN and ROLLBACK are three round trips with PostgreSQL, and 0.1 ms of
CPU time with SQLite. So the connection stays open, each statement is its own transaction, and the read itself notices
that the connection was lost.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from cloudchat.database.transactions import Database, Transaction, database_unavailable
from cloudchat.database.urls import POSTGRESQL

_POSTGRESQL_SETTINGS = "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off"
"""Plan each query once, and always for its indexes. Else PostgreSQL plans the read of one user's rooms each time, 0.4
ms, or reads all memberships for 32 users, because it expects 10 of them: that takes 1 ms instead of 0.3 when there are
1,300.
"""
_Result = TypeVar("_Result")
Query = Callable[[Transaction], _Result]
"""Only reads. It can be called twice. Each of its statements sees what was committed before the statement."""


class ReadThread:
    """Calls queries one after the other."""

    def __init__(self, db: Database, name: str) -> None:
        self._engine = db.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: Connection | None = None

    async def run(self, query: Query[_Result]) -> _Result:
        """Return the result of a query. Raises DatabaseUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, query)

    def close(self) -> None:
        """Wait for the query under way, and close the connection."""
        self._thread.shutdown()
        self._disconnect()

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _run(self, query: Query[_Result]) -> _Result:
        with database_unavailable():
            try:
                return self._call(query)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            # The connection was lost, perhaps long ago: PostgreSQL was restarted.
            return self._call(query)

    def _call(self, query: Query[_Result]) -> _Result:
        if self._connection is None:
            self._connection = self._connect()
        try:
            return query(self._connection)
        except BaseException:
            self._disconnect()  # a result that was not read to its end would keep an old state of SQLite's log
            raise

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        connection.detach()  # from the pool, whose connections are for everything else
        if self._engine.dialect.name == POSTGRESQL:
            for setting in _POSTGRESQL_SETTINGS:
                connection.exec_driver_sql(setting)
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
