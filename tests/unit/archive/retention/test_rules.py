"""Which messages are too old."""

import pytest

from cloudchat.archive.event_ids import event_id
from cloudchat.archive.retention.rules import days_in_force, first_kept_id

DAY = 86400.0


@pytest.mark.parametrize(
    ("installation", "room", "expected"), [(0, 0, 0), (30, 0, 30), (0, 7, 7), (30, 7, 7), (7, 30, 7)]
)
def test_the_shorter_limit_counts(installation: int, room: int, expected: int) -> None:
    assert days_in_force(installation, room) == expected


def test_a_message_is_kept_for_exactly_its_days() -> None:
    now = 1_800_000_000.0
    kept = first_kept_id(30, now)
    oldest_kept, youngest_deleted = now - 30 * DAY, now - 30 * DAY - 0.001
    assert event_id(round(oldest_kept * 1000), "lobby", 1) >= kept
    assert event_id(round(youngest_deleted * 1000), "lobby", 4095) < kept


def test_a_limit_before_1970_keeps_everything() -> None:
    assert first_kept_id(36500, 1_800_000_000.0) == 0
