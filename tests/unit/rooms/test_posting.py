"""Who may write: role, archive, mute and slow mode."""

import math

import pytest
from msgspec.structs import replace

from cloudchat.protocol.errors import ErrorCode
from cloudchat.rooms.permissions import Command
from cloudchat.rooms.posting import may_write, slow_mode_ms
from cloudchat.rooms.summaries.summary import RoomSummary
from support.account_services import NOW

ROOM = RoomSummary("r1", "office", "private")


def refusal(room: RoomSummary, server_role: str = "member") -> tuple[str, int | None]:
    """Return the code and the wait, or "" if the message is accepted."""
    found = may_write(room, Command.POST, server_role, NOW)
    return ("", None) if found is None else (found.code, found.retry_after_ms)


@pytest.mark.parametrize("role", ["owner", "moderator", "member"])
def test_members_may_post(role: str) -> None:
    assert refusal(replace(ROOM, role=role)) == ("", None)


def test_readers_may_not_post() -> None:
    reader = replace(ROOM, role="reader")
    assert refusal(reader) == (ErrorCode.FORBIDDEN, None)
    assert refusal(reader, "admin") == (ErrorCode.FORBIDDEN, None)
    assert refusal(replace(reader, kind="public"), "admin") == ("", None)
    assert refusal(replace(ROOM, kind="public", role=None), "admin") == (ErrorCode.FORBIDDEN, None)


def test_archived_room_is_read_only_for_everybody() -> None:
    assert refusal(replace(ROOM, role="owner", archived=True)) == (ErrorCode.FORBIDDEN, None)


def test_mute_ends_by_itself() -> None:
    assert refusal(replace(ROOM, muted_until=math.inf)) == (ErrorCode.MUTED, None)
    assert refusal(replace(ROOM, muted_until=NOW + 1.5)) == (ErrorCode.MUTED, 1500)
    assert refusal(replace(ROOM, muted_until=NOW)) == ("", None)


def test_own_switch_for_notifications_is_no_mute() -> None:
    assert refusal(replace(ROOM, muted=True)) == ("", None)


def test_slow_mode_lets_a_member_wait_and_no_moderator() -> None:
    slow = replace(ROOM, slow_mode_seconds=30)
    assert slow_mode_ms(slow, "member") == 30_000
    assert slow_mode_ms(replace(slow, role="moderator"), "member") == 0
    assert slow_mode_ms(slow, "admin") == 30_000
    assert slow_mode_ms(replace(slow, kind="public"), "admin") == 0
    assert slow_mode_ms(ROOM, "member") == 0
