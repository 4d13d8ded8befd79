"""What is read of the rooms' logs, beside the bytes of single events."""

from msgspec import Struct

from cloudchat.core.stream_position import StreamPosition


class Page(Struct, frozen=True):
    """Consecutive events, and the state of the log when they were read.

    `first` is the seq of the first event. `head` is the highest seq that was assigned, 0 before the first event.
    `oldest` is the seq of the log's oldest event, `head` + 1 when it is empty. `version` is the highest version of the
    room that the store was told, 0 for none.
    """

    epoch: str
    head: int
    oldest: int
    first: int
    events: list[bytes]
    version: int = 0

    @property
    def last(self) -> int:
        """Seq of the last event, `first - 1` when there are no events."""
        return self.first + len(self.events) - 1


class HistoryRange(Struct, frozen=True):
    """Which messages and notices of a log to return: up to `rows_before` before the seq `before`, and up to `rows_from`
    at and after the seq `start`.
    """

    before: int
    rows_before: int
    start: int
    rows_from: int

    @classmethod
    def before_seq(cls, seq: int, limit: int) -> "HistoryRange":
        """Return the range of the `limit` newest rows before `seq`."""
        return cls(seq, limit, seq, 0)

    @classmethod
    def after_seq(cls, seq: int, limit: int) -> "HistoryRange":
        """Return the range of the `limit` oldest rows after `seq`."""
        return cls(seq + 1, 0, seq + 1, limit)

    @classmethod
    def around_seq(cls, seq: int, limit: int) -> "HistoryRange":
        """Return the range of `limit` rows of which the first ones, up to a half, are before `seq`."""
        return cls(seq, limit // 2, seq, limit - limit // 2)


class HistoryRows(Struct, frozen=True):
    """Messages and notices in their current form, oldest first: all events up to the seq `as_of` are folded in.

    `oldest` is the seq of the log's oldest event. `more_before` and `more_after` say whether the log has more of them.
    They may be true for other events only, when there are more than a thousand of those in a row.
    """

    epoch: str
    as_of: int
    oldest: int
    version: int
    rows: list[bytes]
    more_before: bool
    more_after: bool


class UnreadQuery(Struct, frozen=True):
    """A room, and up to which position a user has read it."""

    room: str
    read: StreamPosition


class Unread(Struct, frozen=True):
    """Messages of others after a position that are not deleted, and those of them that mention the user.

    At most 1,000 are counted, among the newest events of the log. `bytes_scanned` is what the store looked at to count
    them: the events from `first` on. What is after `after` and before `first` is not counted yet.
    """

    messages: int
    mentions: int
    bytes_scanned: int
    version: int
    after: int
    first: int
