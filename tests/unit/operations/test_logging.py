import logging
import re

import pytest

from cloudchat.operations.logging import LineFormatter, log_config


def line(message: str, *arguments: object, error: BaseException | None = None) -> str:
    formatter = LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    trace = (type(error), error, error.__traceback__) if error else None
    return formatter.format(logging.LogRecord("cloudchat", logging.INFO, "f.py", 1, message, arguments, trace))


@pytest.mark.parametrize("hostile", ["\n", "\r", "\x1b[2J", "\x07", "\x9b31m", "\x7f", "\x00"])
def test_what_a_user_sends_neither_forges_a_line_nor_steers_a_terminal(hostile: str) -> None:
    written = line("login failed name=%s", f"mal{hostile}2026-01-01T00:00:00Z INFO forged")
    assert hostile[0] not in written
    assert f"\\x{ord(hostile[0]):02x}" in written


def test_a_trace_stays_readable_but_not_dangerous() -> None:
    try:
        raise ValueError("bad \x1b[2J value")
    except ValueError as error:
        written = line("failed", error=error)
    assert "\n  File " in written
    assert "\x1b" not in written


def test_time_is_utc() -> None:
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO cloudchat: hello$", line("hello"))


def test_uvicorn_does_not_get_to_write_query_strings() -> None:
    """It logs the whole request line of every socket at info, also without an access log."""
    assert log_config("info")["loggers"]["uvicorn"]["level"] == "WARNING"
