"""Instants as the wire writes them."""

from datetime import UTC, datetime


def rfc3339(now: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC with milliseconds: `2026-11-22T19:32:48.123Z`."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
