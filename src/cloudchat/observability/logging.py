"""What the server logs, and how: one line per event, in UTC, on standard error, as text or as JSON.

A call names its values in the template, which no client can write: `log.info("login refused user=%s address=%s", …)`.
From there both formats take the fields: the JSON one as members, the text one quoted where a value could pass for more.
Where standard error is systemd's journal, each line begins with its priority (sd-daemon(3)), for `journalctl -p err`.
"""

import json
import logging
import os
import re
import sys
import time
from typing import Any, TextIO

from cloudchat.core.ids import REQUEST_ID

_STEERING = (*range(0x20), *range(0x7F, 0xA0), *range(0x200E, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
"""Control characters, line separators, and what turns the direction of text around."""
_ESCAPED = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _STEERING}
_ESCAPED_IN_TRACES = {code: text for code, text in _ESCAPED.items() if code not in (0x09, 0x0A)}
_PLACEHOLDER = re.compile(r"(?: (?P<name>[a-z_]+)=)?(?P<spec>%(?:\.\d+)?[a-zA-Z])|%%")
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


class LineFormatter(logging.Formatter):
    """Text lines. Nothing a user sends can forge a line or a field, or steer a terminal; traces are indented by `|`."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return utc(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 — logging's own name
        event, fields = parts_of(record)
        told = [event.translate(_ESCAPED), *(f"{name}={_quoted(str(value))}" for name, value in fields.items())]
        record.message = " ".join(told)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        trace = super().formatException(ei).translate(_ESCAPED_IN_TRACES)
        return "\n".join(f"| {line}" for line in trace.split("\n"))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, all ASCII: `time`, `level`, `logger`, `event`, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        event, fields = parts_of(record)
        told: dict[str, Any] = {"time": utc(record), "level": record.levelname, "logger": record.name, "event": event}
        for name, value in fields.items():
            told.setdefault(name, value if isinstance(value, str | int | float | None) else str(value))
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told)


class JournalHandler(logging.StreamHandler[TextIO]):
    """Says how grave a line is, each of a trace too. journald takes that off again."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for least, number in _PRIORITIES if record.levelno >= least)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))


def utc(record: logging.LogRecord) -> str:
    """When it happened (RFC 3339, milliseconds)."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def parts_of(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    """The event in words, and its fields: those that its template names as ` name=%s`, and the request it came of."""
    template, arguments = record.msg, record.args
    request = REQUEST_ID.get()
    fields: dict[str, object] = {} if request is None else {"request": request}
    if not isinstance(template, str) or not isinstance(arguments, tuple) or not arguments:
        return record.getMessage(), fields
    values = iter(arguments)

    def put(found: re.Match[str]) -> str:
        if found["spec"] is None:
            return "%"
        value = next(values)
        if found["name"] is None:
            return str(found["spec"] % (value,))
        fields[found["name"]] = value
        return ""

    try:
        return _PLACEHOLDER.sub(put, template), fields
    except (RuntimeError, StopIteration, TypeError, ValueError):  # a mistaken call must not cost the line
        return f"{template} {arguments!r}", fields


def log_config(level: str, form: str = "text") -> dict[str, Any]:
    """A `logging.config.dictConfig` for this process. `level`: debug, info, warning or error; `form`: text or json.

    uvicorn's own lines below a warning are left out, also when one debugs: it writes the query string of every socket.
    """
    threshold = level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": LineFormatter, "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": JsonFormatter},
        },
        "filters": {"bounded": {"()": "cloudchat.observability.log_rate_limit_filter.LogRateLimitFilter"}},
        "handlers": {
            "stderr": {
                "class": f"{__name__}.JournalHandler" if _writes_to_journal() else "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": form,
                "filters": ["bounded"],
            }
        },
        "root": {"level": "WARNING" if level != "error" else "ERROR", "handlers": ["stderr"]},
        "loggers": {
            "cloudchat": {"level": threshold},
            "uvicorn": {"level": "ERROR" if level == "error" else "WARNING"},
        },
    }


def _writes_to_journal() -> bool:
    """Whether standard error is the stream to the journal that systemd opened, and was led nowhere else."""
    try:
        error = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{error.st_dev}:{error.st_ino}"


def _quoted(value: str) -> str:
    if not _NEEDS_QUOTES.search(value):
        return value.translate(_ESCAPED)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').translate(_ESCAPED) + '"'
