"""One log line when the store stops working for one purpose, and one when it works again."""

import logging

from cloudchat.core.log_rate_limit import RATE_LIMITED

logger = logging.getLogger(__name__)


class OutageLog:
    """Logs changes of state, however often the same problem is reported."""

    def __init__(self, *, begin: str, end: str) -> None:
        """`begin` and `end` are the log events, such as `the store does not accept messages`."""
        self._begin = f"{begin} error=%s"
        self._end = end
        self._kind: str | None = None

    def failed(self, problem: str) -> None:
        """Log the problem, unless the last one was of the same kind. The first word is the kind, as in Redis errors."""
        kind = problem.partition(" ")[0]
        if kind != self._kind:
            self._kind = kind
            logger.warning(self._begin, problem, extra=RATE_LIMITED)

    def succeeded(self) -> None:
        """Log the end of the problem, if there was one."""
        if self._kind is not None:
            self._kind = None
            logger.info(self._end, extra=RATE_LIMITED)
