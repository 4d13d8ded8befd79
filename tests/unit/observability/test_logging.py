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
from cloudchat.observability.log_rate_limit_filter import LogRateLimitFilter
from cloudchat.observability.logging import JsonFormatter, LineFormatter, log_config


def line(
    message: str, *arguments: object, error: BaseException | None = None, formatter: logging.Formatter | None = None
) -> str:
    formatter = formatter or LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    trace = (type(error), error, error.__traceback__) if error else None
    return formatter.format(logging.LogRecord("cloudchat", logging.INFO, "f.py", 1, message, arguments, trace))


def fields(message: str, *arguments: object, error: BaseException | None = None) -> dict[str, Any]:
    written = line(message, *arguments, error=error, formatter=JsonFormatter())
    assert written.isascii()
    assert "\n" not in written
    found: dict[str, Any] = json.loads(written)
    return found


HOSTILE = ["\n", "\r", "\x1b[2J", "\x07", "\x9b31m", "\x7f", "\x00", "\u2028", "\u202e"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_a_user_sends_neither_forges_a_line_nor_steers_a_terminal(hostile: str) -> None:
    written = line("login failed name=%s", f"mal{hostile}2026-01-01T00:00:00Z INFO forged")
    assert hostile[0] not in written
    assert re.search(rf"\\[xu]0*{ord(hostile[0]):x}", written)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_in_json_it_is_one_line_and_one_value(hostile: str) -> None:
    name = f'mal{hostile}", "event": "forged'
    told = fields("login refused user=%s address=%s", name, "192.0.2.1")
    assert (told["event"], told["user"], told["address"]) == ("login refused", name, "192.0.2.1")


def test_a_value_can_not_pass_for_another_field() -> None:
    written = line("login refused user=%s address=%s", 'x address=192.0.2.9 "', "192.0.2.1")
    assert written.endswith(r'login refused user="x address=192.0.2.9 \"" address=192.0.2.1')


def test_fields_keep_their_type_and_can_not_replace_what_the_line_is() -> None:
    told = fields("%d of 100%% done seconds=%.1f user=%s level=%s what=%s", 3, 0.5, None, "DEBUG", OSError("x"))
    assert told["event"] == "3 of 100% done"
    assert (told["seconds"], told["user"], told["level"], told["what"]) == (0.5, None, "INFO", "x")


@pytest.mark.parametrize("arguments", [(), ("one",), ("one", "two", "three")])
def test_a_mistaken_call_still_tells(arguments: tuple[object, ...]) -> None:
    assert "refused" in fields("refused user=%s of=%s", *arguments)["event"]


def test_a_trace_in_json_is_one_line() -> None:
    try:
        raise ValueError("bad\n2026-01-01T00:00:00Z INFO forged")
    except ValueError as error:
        told = fields("failed", error=error)
    assert "ValueError" in told["trace"]


def test_a_trace_can_not_forge_a_line() -> None:
    try:
        raise ValueError("bad\n2026-01-01T00:00:00Z INFO forged")
    except ValueError as error:
        written = line("failed", error=error)
    assert all(told.startswith("| ") for told in written.split("\n")[1:])


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
def test_both_forms_can_be_configured(form: str) -> None:
    config = log_config("info", form)
    stream = io.StringIO()
    config["handlers"]["stderr"]["stream"] = stream
    with configured(config):
        logging.getLogger("cloudchat.test").info("hello user=%s", "ann")
    assert stream.getvalue().startswith("{" if form == "json" else "20")
    assert "ann" in stream.getvalue()


def test_in_the_journal_each_line_says_how_grave_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w+") as stream:
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setenv("JOURNAL_STREAM", "1:2")  # of whoever started this, whose output is led into the file
        assert log_config("info")["handlers"]["stderr"]["class"] == "logging.StreamHandler"
        opened = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{opened.st_dev}:{opened.st_ino}")
        log = logging.getLogger("cloudchat.test")
        with configured(log_config("info")):
            log.info("told")
            log.warning("odd")
            try:
                raise ValueError("bad")
            except ValueError:
                log.exception("failed")
        told, odd, *failed = (tmp_path / "stderr").read_text().splitlines()
    assert told.startswith("<6>20")
    assert odd.startswith("<4>20")
    assert len(failed) > 2
    assert all(line.startswith("<3>") for line in failed)


def test_a_trace_stays_readable_but_not_dangerous() -> None:
    try:
        raise ValueError("bad \x1b[2J value")
    except ValueError as error:
        written = line("failed", error=error)
    assert "\n|   File " in written
    assert "\x1b" not in written


def test_time_is_utc() -> None:
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO cloudchat: hello$", line("hello"))


def test_uvicorn_does_not_get_to_write_query_strings() -> None:
    """It logs the whole request line of every socket at info, also without an access log."""
    assert log_config("info")["loggers"]["uvicorn"]["level"] == "WARNING"
    assert log_config("debug")["loggers"]["uvicorn"]["level"] == "WARNING"


def test_what_a_client_causes_is_bounded_and_everything_else_is_not() -> None:
    bounded = LogRateLimitFilter()

    def admitted(name: str, **extra: object) -> int:
        record = logging.makeLogRecord({"name": name, "msg": "refused address=%s", "args": ("192.0.2.1",), **extra})
        return sum(bool(bounded.filter(record)) for _ in range(MAX_LINES_PER_CLIENT + 5))

    assert admitted("cloudchat.http", **RATE_LIMITED) == MAX_LINES_PER_CLIENT
    assert admitted("cloudchat.http") == MAX_LINES_PER_CLIENT + 5
    assert admitted("uvicorn.error", msg="Invalid HTTP request received.", args=()) == MAX_LINES_PER_CLIENT
    bounded.tell()
    assert admitted("cloudchat.http", **RATE_LIMITED) == MAX_LINES_PER_CLIENT
    bounded.tell()
