"""Count the work of SQLite."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from support.account_services import AccountServices

STEPS_PER_CALL = 10


class StepCounter:
    """Counts the steps of SQLite's virtual machine: the work of its queries, whatever else the machine does."""

    def __init__(self, services: AccountServices) -> None:
        self._calls = 0
        # The engine opened no connection yet: each test has new services.
        event.listen(services.db.engine, "connect", self._count_steps)

    def steps_of(self, action: Callable[[], Any]) -> int:
        before = self._calls
        action()
        return (self._calls - before) * STEPS_PER_CALL

    def _count_steps(self, connection: Any, _record: object) -> None:
        connection.set_progress_handler(self._add, STEPS_PER_CALL)

    def _add(self) -> int:
        self._calls += 1
        return 0
