"""What the server logs, and how: one line per event, in UTC, on standard error."""

import logging
import time
from typing import Any

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPED_IN_TRACES = {code: text for code, text in _ESCAPED.items() if code not in (0x09, 0x0A)}


class LineFormatter(logging.Formatter):
    """Text lines. Control characters are escaped, so that nothing a user sends can forge a line or steer a terminal."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 — logging's own name
        record.message = record.message.translate(_ESCAPED)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return super().formatException(ei).translate(_ESCAPED_IN_TRACES)


def log_config(level: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` for this process. `level`: debug, info, warning or error.

    uvicorn's own lines below a warning are left out unless one debugs: it writes the query string of every socket.
    """
    threshold = level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": LineFormatter, "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "line"}},
        "root": {"level": "WARNING" if level != "error" else "ERROR", "handlers": ["stderr"]},
        "loggers": {
            "cloudchat": {"level": threshold},
            "uvicorn": {"level": "DEBUG" if level == "debug" else "ERROR" if level == "error" else "WARNING"},
        },
    }
