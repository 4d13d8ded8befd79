"""Which messages are too old."""

from cloudchat.archive.event_ids import first_id_at

_MS_PER_DAY = 86_400_000


def days_in_force(installation_days: int, room_days: int) -> int:
    """Return after how many days the messages of a room are deleted; 0 for never.

    The shorter limit counts: a room cannot keep messages for longer than its installation.
    """
    limits = [days for days in (installation_days, room_days) if days]
    return min(limits, default=0)


def first_kept_id(days: int, now: float) -> int:
    """Return the lowest id of an archived event that is kept. `now` is in seconds since 1970."""
    return first_id_at(max(0, int(now * 1000) - days * _MS_PER_DAY))
