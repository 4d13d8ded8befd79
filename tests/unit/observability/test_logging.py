import io
import json
import logging
import logging.config
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudchat.core.log_rate_limit import MAX_LINES_PER_CLIENT, RATE_LIMITED
from cloudchat.observability.logging import JsonFormatter, LogRateLimitFilter, TextFormatter, log_config


def format_record(
    message: str, *arguments: object, error: BaseException | None = None, formatter: logging.Formatter | None = None
) -> str:
    formatter = formatter or TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    trace = (type(error), error, error.__traceback__) if error else None
    return formatter.format(logging.LogRecord("cloudchat", logging.INFO, "f.py", 1, message, arguments, trace))


def fields(message: str, *arguments: object, error: BaseException | None = None) -> dict[str, Any]:
    written = format_record(message, *arguments, error=error, formatter=JsonFormatter())
    assert written.isascii()
    assert "\n" not in written
    found: dict[str, Any] = json.loads(written)
    return found


HOSTILE = ["\n", "\r", "\x1b[2J", "\x07", "\x9b31m", "\x7f", "\x00", "\u2028", "\u202e"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_escapes_control_characters_in_values(hostile: str) -> None:
    written = format_record("login failed name=%s", f"mal{hostile}2026-01-01T00:00:00Z INFO forged")
    assert hostile[0] not in written
    assert re.search(rf"\\[xu]0*{ord(hostile[0]):x}", written)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_json_has_one_line_and_one_value_for_a_hostile_value(hostile: str) -> None:
    name = f'mal{hostile}", "event": "forged'
    members = fields("login refused user=%s address=%s", name, "192.0.2.1")
    assert (members["event"], members["user"], members["address"]) == ("login refused", name, "192.0.2.1")


def test_text_quotes_a_value_that_looks_like_another_field() -> None:
    written = format_record("login refused user=%s address=%s", 'x address=192.0.2.9 "', "192.0.2.1")
    assert written.endswith(r'login refused user="x address=192.0.2.9 \"" address=192.0.2.1')


def test_json_fields_have_their_types_and_cannot_replace_the_members_of_the_line() -> None:
    members = fields("%d of 100%% done seconds=%.1f user=%s level=%s what=%s", 3, 0.5, None, "DEBUG", OSError("x"))
    assert members["event"] == "3 of 100% done"
    assert (members["seconds"], members["user"], members["level"], members["what"]) == (0.5, None, "INFO", "x")


@pytest.mark.parametrize("arguments", [(), ("one",), ("one", "two", "three")])
def test_call_with_the_wrong_number_of_arguments_is_still_logged(arguments: tuple[object, ...]) -> None:
    assert "refused" in fields("refused user=%s of=%s", *arguments)["event"]


def test_json_trace_is_in_the_same_line() -> None:
    try:
        raise ValueError("bad\n2026-01-01T00:00:00Z INFO forged")
    except ValueError as error:
        members = fields("failed", error=error)
    assert "ValueError" in members["trace"]


def test_text_trace_lines_begin_with_a_bar() -> None:
    try:
        raise ValueError("bad\n2026-01-01T00:00:00Z INFO forged")
    except ValueError as error:
        written = format_record("failed", error=error)
    assert all(traced.startswith("| ") for traced in written.split("\n")[1:])


@contextmanager
def configured(config: dict[str, Any]) -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logging.config.dictConfig(config)
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_config_supports_text_and_json(form: str) -> None:
    config = log_config("info", form)
    stream = io.StringIO()
    config["handlers"]["stderr"]["stream"] = stream
    with configured(config):
        logging.getLogger("cloudchat.test").info("hello user=%s", "ann")
    assert stream.getvalue().startswith("{" if form == "json" else "20")
    assert "ann" in stream.getvalue()


def test_lines_for_the_journal_begin_with_their_priority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w+") as stream:
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setenv(
            "JOURNAL_STREAM", "1:2"
        )  # the journal of the parent process; this output was redirected to a file
        assert log_config("info")["handlers"]["stderr"]["class"] == "logging.StreamHandler"
        opened = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{opened.st_dev}:{opened.st_ino}")
        log = logging.getLogger("cloudchat.test")
        with configured(log_config("info")):
            log.info("one")
            log.warning("two")
            try:
                raise ValueError("bad")
            except ValueError:
                log.exception("failed")
        info, warning, *error = (tmp_path / "stderr").read_text().splitlines()
    assert info.startswith("<6>20")
    assert warning.startswith("<4>20")
    assert len(error) > 2
    assert all(line.startswith("<3>") for line in error)


def test_text_trace_retains_indentation_and_escapes_control_characters() -> None:
    try:
        raise ValueError("bad \x1b[2J value")
    except ValueError as error:
        written = format_record("failed", error=error)
    assert "\n|   File " in written
    assert "\x1b" not in written


def test_timestamp_is_in_utc() -> None:
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO cloudchat: hello$", format_record("hello"))


def test_uvicorn_logs_nothing_below_a_warning() -> None:
    """At info it logs the whole request line of every socket, even without an access log."""
    assert log_config("info")["loggers"]["uvicorn"]["level"] == "WARNING"
    assert log_config("debug")["loggers"]["uvicorn"]["level"] == "WARNING"


def test_only_marked_records_and_those_of_libraries_are_rate_limited() -> None:
    rate_limit = LogRateLimitFilter()

    def admitted(name: str, **extra: object) -> int:
        record = logging.makeLogRecord({"name": name, "msg": "refused address=%s", "args": ("192.0.2.1",), **extra})
        return sum(bool(rate_limit.filter(record)) for _ in range(MAX_LINES_PER_CLIENT + 5))

    assert admitted("cloudchat.http", **RATE_LIMITED) == MAX_LINES_PER_CLIENT
    assert admitted("cloudchat.http") == MAX_LINES_PER_CLIENT + 5
    assert admitted("uvicorn.error", msg="Invalid HTTP request received.", args=()) == MAX_LINES_PER_CLIENT
    assert admitted("asyncio", msg="socket.send() raised exception.", args=()) == MAX_LINES_PER_CLIENT
    rate_limit.write_counts()
    assert admitted("cloudchat.http", **RATE_LIMITED) == MAX_LINES_PER_CLIENT
    rate_limit.write_counts()
