"""The replies to commands, typed."""

import msgspec

from cloudchat.client.protocol.room_events import Frame, RoomEvent, User, room_event


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or a change of one, is on disk at this position since `at`.

    `duplicate` says that nothing was broadcast: the server had stored the command before, or it changes nothing, and
    the position is that of the message.
    """

    room: str
    epoch: str
    seq: int
    cid: str
    at: str
    duplicate: bool


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages and notices in their current form, oldest first.

    All events up to `as_of` are folded into them: ignore changes of these messages with a seq up to it.
    """

    room: str
    epoch: str
    as_of: int
    events: tuple[RoomEvent, ...]
    more_before: bool
    more_after: bool


class UnreadCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages of others in a room are after the user's read marker, and how many of them mention the user.

    At most 1,000 are counted.
    """

    room: str
    unread: int
    mentions: int


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """Members of a room who are online: at most 200 of them, and how many there are."""

    room: str
    users: tuple[User, ...]
    total: int


def history_page(frame: Frame) -> HistoryPage:
    """Return the page of a `history` frame."""
    return HistoryPage(
        room=frame["room"],
        epoch=frame["epoch"],
        as_of=frame["as_of"],
        events=tuple(room_event(event) for event in frame["events"]),
        more_before=frame["more_before"],
        more_after=frame["more_after"],
    )
