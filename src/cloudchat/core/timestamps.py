"""Instants as the wire writes them."""

from datetime import UTC, datetime
from functools import lru_cache


def rfc3339(now: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC with milliseconds: `2026-11-22T19:32:48.123Z`."""
    milliseconds = int(now * 1000)
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=8)  # all messages of one second share it
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def instant_of(event: bytes) -> float | None:
    """Seconds since 1970 of an event's `at`; None if it has none.

    Found without parsing the event: inside of a JSON string the quotes would be escaped.
    """
    at = event.rfind(b'"at":"')
    if at < 0:
        return None
    return datetime.fromisoformat(event[at + 6 : at + 30].decode()).timestamp()
