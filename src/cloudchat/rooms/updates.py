"""The changes of a room itself: name, topic, slow mode, retention, archived or not, and a member's notifications.

Each demands its permission and records what it changed; without a difference it changes nothing.
"""

from msgspec import Struct

from cloudchat.auth.errors import Conflict, InvalidField
from cloudchat.rooms.members.repository import set_muted
from cloudchat.rooms.names import clean_name, clean_topic, name_key
from cloudchat.rooms.permissions import Command, Kind
from cloudchat.rooms.transaction import Notice, RoomTransaction

MAX_SLOW_MODE_SECONDS = 6 * 3600
MAX_RETENTION_DAYS = 36500


class RoomUpdate(Struct, frozen=True):
    """The changes of a room. None changes nothing. `muted` is the caller's own switch for notifications."""

    name: str | None = None
    topic: str | None = None
    archived: bool | None = None
    slow_mode_seconds: int | None = None
    retention_days: int | None = None
    muted: bool | None = None


def apply_update(change: RoomTransaction, update: RoomUpdate) -> None:
    """Make all changes of an update in one transaction of the room. Raises PermissionDenied, InvalidField, Conflict."""
    if update.muted is not None:
        _switch_notifications(change, update.muted)
    if update.archived is False:
        _restore(change)
    if update.name is not None:
        _rename(change, update.name)
    if update.topic is not None:
        _set_topic(change, update.topic)
    if update.slow_mode_seconds is not None:
        _set_slow_mode(change, update.slow_mode_seconds)
    if update.retention_days is not None:
        _set_retention(change, update.retention_days)
    if update.archived:
        _archive(change)


def _switch_notifications(change: RoomTransaction, muted: bool) -> None:
    change.demand(Command.SWITCH_NOTIFICATIONS)
    if change.membership is not None and change.membership.muted != muted:
        change.membership = set_muted(change.db, change.membership, muted)
        change.record("room.notifications", concerns=change.caller.user_id, audited=False)


def _rename(change: RoomTransaction, name: str) -> None:
    change.demand(Command.RENAME)
    name = clean_name(name)
    room = change.room
    if name != room.name:
        _demand_open(change)
        change.room = room._replace(name=name, name_key=name_key(name) if room.kind == Kind.PUBLIC else None)
        change.record("room.rename", notice=Notice("renamed", value=name), detail=f"name={name!r}")


def _set_topic(change: RoomTransaction, topic: str) -> None:
    change.demand(Command.SET_TOPIC)
    topic = clean_topic(topic)
    if topic != change.room.topic:
        _demand_open(change)
        change.room = change.room._replace(topic=topic)
        change.record("room.topic", notice=Notice("topic", value=topic))


def _set_slow_mode(change: RoomTransaction, seconds: int) -> None:
    change.demand(Command.SET_SLOW_MODE)
    if not 0 <= seconds <= MAX_SLOW_MODE_SECONDS:
        raise InvalidField("slow_mode_seconds", f"the slow mode must be 0 to {MAX_SLOW_MODE_SECONDS} seconds")
    if seconds != change.room.slow_mode_seconds:
        _demand_open(change)
        change.room = change.room._replace(slow_mode_seconds=seconds)
        change.record("room.slow_mode", detail=f"seconds={seconds}")


def _set_retention(change: RoomTransaction, days: int) -> None:
    change.demand(Command.SET_RETENTION)
    if not 0 <= days <= MAX_RETENTION_DAYS:
        raise InvalidField("retention_days", f"messages can be kept for 1 to {MAX_RETENTION_DAYS} days, or 0 for ever")
    if days != change.room.retention_days:
        _demand_open(change)
        change.room = change.room._replace(retention_days=days)
        change.record("room.retention", detail=f"days={days}")


def _archive(change: RoomTransaction) -> None:
    change.demand(Command.ARCHIVE)
    if change.room.archived_at is None:
        change.room = change.room._replace(archived_at=change.now)
        change.record("room.archive", notice=Notice("archived"))


def _restore(change: RoomTransaction) -> None:
    change.demand(Command.ARCHIVE)
    if change.room.archived_at is not None:
        change.room = change.room._replace(archived_at=None)
        change.record("room.restore", notice=Notice("restored"))


def _demand_open(change: RoomTransaction) -> None:
    if change.room.archived_at is not None:
        raise Conflict("this room is archived; restore it first", field="archived")
