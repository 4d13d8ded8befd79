"""The server's log: one line per event, in UTC, on standard error, as text or as JSON.

A call names its values in the template, which no client can influence: `log.info("login refused user=%s", name)`. Both
formats get the fields from the template: JSON has them as members, text quotes a value that could be read as more than
one. If standard error is systemd's journal, each line begins with its priority (sd-daemon(3)), for `journalctl -p err`.

Lines that a client causes are rate-limited per kind and client: some per minute, then one line that counts the rest.
"""

import atexit
import json
import logging
import os
import re
import sys
import threading
import time
from typing import Any, TextIO

from cloudchat.core.client_network import client_network
from cloudchat.core.ids import REQUEST_ID
from cloudchat.core.log_rate_limit import RATE_LIMITED, LogRateLimit

logger = logging.getLogger(__name__)

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0), *range(0x200E, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
"""Control characters, line separators, and characters that change the direction of text."""
_ESCAPES = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _CONTROLS}
_ESCAPES_IN_TRACES = {code: text for code, text in _ESCAPES.items() if code not in (0x09, 0x0A)}
_PLACEHOLDER = re.compile(r"(?: (?P<name>[a-z_]+)=)?(?P<spec>%(?:\.\d+)?[a-zA-Z])|%%")
(_MARKER,) = RATE_LIMITED
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


def log_config(level: str, form: str = "text") -> dict[str, Any]:
    """Return a `logging.config.dictConfig`. `level`: debug, info, warning or error; `form`: text or json.

    uvicorn's own lines below a warning are left out, even at debug: it logs the query string of every socket.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": TextFormatter, "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": JsonFormatter},
        },
        "filters": {"rate_limit": {"()": LogRateLimitFilter}},
        "handlers": {
            "stderr": {
                "class": f"{__name__}.JournalHandler" if _stderr_is_journal() else "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": form,
                "filters": ["rate_limit"],
            }
        },
        "root": {"level": "WARNING" if level != "error" else "ERROR", "handlers": ["stderr"]},
        "loggers": {
            "cloudchat": {"level": level.upper()},
            "uvicorn": {"level": "ERROR" if level == "error" else "WARNING"},
        },
    }


class TextFormatter(logging.Formatter):
    """Format a record as a line of text, and a trace as lines that begin with `|`.

    No value that a user sends can forge a line or a field, or send control sequences to a terminal.
    """

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return _timestamp(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 — the name in logging.Formatter
        event, fields = _event_and_fields(record)
        parts = [event.translate(_ESCAPES), *(f"{name}={_quoted(str(value))}" for name, value in fields.items())]
        record.message = " ".join(parts)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        trace = super().formatException(ei).translate(_ESCAPES_IN_TRACES)
        return "\n".join(f"| {line}" for line in trace.split("\n"))


class JsonFormatter(logging.Formatter):
    """Format a record as one line with a JSON object in ASCII.

    Its members are `time`, `level`, `logger`, `event`, and the fields of the event.
    """

    def format(self, record: logging.LogRecord) -> str:
        event, fields = _event_and_fields(record)
        members: dict[str, Any] = {
            "time": _timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "event": event,
        }
        for name, value in fields.items():
            members.setdefault(name, value if isinstance(value, str | int | float | None) else str(value))
        if record.exc_info:
            members["trace"] = self.formatException(record.exc_info)
        return json.dumps(members)


class JournalHandler(logging.StreamHandler[TextIO]):
    """Put the priority before each line, also before those of a trace. journald removes it."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))


class LogRateLimitFilter(logging.Filter):
    """Rate-limit the records marked with `RATE_LIMITED`, and all of uvicorn's. For the one handler of a process."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._limit = LogRateLimit(time.monotonic())
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the record. May be called from any thread."""
        if not getattr(record, _MARKER, False) and not record.name.startswith("uvicorn"):
            return True
        event, fields = _event_and_fields(record)
        client = str(fields.get("address") or fields.get("user") or "")
        with self._lock:
            now = time.monotonic()
            is_over = self._limit.seconds_left(now) == 0
            left_out = self._limit.start_window(now) if is_over else {}
            is_admitted = self._limit.admit(event, client_network(client) if client else "-")
            if not is_admitted and self._timer is None:
                # After a flood, no record may come for hours. The timer writes the counts in any case.
                self._timer = threading.Timer(self._limit.seconds_left(now), self.write_counts)
                self._timer.daemon = True
                self._timer.start()
                atexit.register(self.write_counts)
        _log_counts(left_out)
        return is_admitted

    def write_counts(self) -> None:
        """Log how many lines were left out, and start the next window."""
        with self._lock:
            left_out = self._limit.start_window(time.monotonic())
            self._timer = None
        atexit.unregister(self.write_counts)
        _log_counts(left_out)


def _log_counts(left_out: dict[tuple[str, str], int]) -> None:
    for (kind, client), lines in left_out.items():
        logger.warning("lines left out kind=%s address=%s lines=%d", kind, client, lines)


def _timestamp(record: logging.LogRecord) -> str:
    """Return the time of the record (RFC 3339, milliseconds)."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def _event_and_fields(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    """Return the text of the event, and its fields: the id of the current request, and each ` name=%s` placeholder."""
    template, arguments = record.msg, record.args
    request = REQUEST_ID.get()
    fields: dict[str, object] = {} if request is None else {"request": request}
    if not isinstance(template, str) or not isinstance(arguments, tuple) or not arguments:
        return record.getMessage(), fields
    values = iter(arguments)

    def replace(match: re.Match[str]) -> str:
        if match["spec"] is None:
            return "%"
        value = next(values)
        if match["name"] is None:
            return str(match["spec"] % (value,))
        fields[match["name"]] = value
        return ""

    try:
        return _PLACEHOLDER.sub(replace, template), fields
    except (RuntimeError, StopIteration, TypeError, ValueError):  # log the line even if the call has a mistake
        return f"{template} {arguments!r}", fields


def _stderr_is_journal() -> bool:
    """Return whether standard error is the stream to the journal that systemd opened, and was not redirected since."""
    try:
        error = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{error.st_dev}:{error.st_ino}"


def _quoted(value: str) -> str:
    if not _NEEDS_QUOTES.search(value):
        return value.translate(_ESCAPES)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').translate(_ESCAPES) + '"'
