"""Timestamps in the wire's format, written and read."""

from datetime import UTC, datetime
from functools import lru_cache


def rfc3339(now: float) -> str:
    """Format seconds since 1970 as RFC 3339 in UTC with milliseconds: `2026-11-22T19:32:48.123Z`."""
    return rfc3339_of_ms(int(now * 1000))


@lru_cache(maxsize=8)  # a busy server stores several messages in a millisecond
def rfc3339_of_ms(milliseconds: int) -> str:
    """Format milliseconds since 1970 in the same way."""
    return f"{_format_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


def milliseconds_of(at: str) -> int:
    """Return the milliseconds since 1970 of a timestamp that `rfc3339` has written."""
    return _parse_second(at[:19]) * 1000 + int(at[20:23])


@lru_cache(maxsize=8)  # all messages of one second share the result
def _format_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=8)
def _parse_second(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


def instant_of(event: bytes) -> float | None:
    """Return the `at` of an event as seconds since 1970, None if it has no `at`.

    It searches the bytes and does not parse the JSON: inside a JSON string the quotes of `"at":"` would be escaped.
    """
    at = event.rfind(b'"at":"')
    if at < 0:
        return None
    return datetime.fromisoformat(event[at + 6 : at + 30].decode()).timestamp()
