"""The broker's contract: a durable log for each room, and notifications between processes.

**The log.** When `append` or `change` reports `Appended`, then:

- the event is on disk, also after a power failure;
- it has its seq forever: no other event of the room ever has the same one, whatever happens to the store;
- seqs are consecutive, without holes, within an epoch;
- `read` returns it, with the same bytes, until it is archived and `history_messages` newer events have been appended.
  Two things change: when a message is deleted, its text and the texts of its edits become empty; when a user is erased,
  the name.

**The archive.** An event leaves the log only when it is archived (`archiving/log_archive.py`), or is removed on purpose
(`LogArchive.trim_before`). An append to a log with 100,000 more events than `history_messages` is refused
(`UNARCHIVED`).

**Repeated appends.** A (user, room, cid) that was appended in the last 24 hours is not appended again: `append` and
`change` report the position of the first one with `duplicate`. When they report `BrokerUnavailable`, the event may or
may not be in the log. The caller may repeat it with the same cid: it is stored once.

**Changes of messages.** `change` decides in the atomic step that appends the event:

- the target must be a message (`NOT_FOUND`), and not deleted;
- only its author may edit it, only its author or a moderator may delete it (`FORBIDDEN`);
- a message has at most 50 edits, 20 different emoji, and 1,000 reactions (`FULL`);
- a reaction that is already on or off, or a deletion of a deleted message, appends nothing: it is a `duplicate` at the
  position of the target;
- of a message that is older than the log, the caller says what the archive knows (`Change.archived`). Without that, or
  when the archive has taken more events since it was read, the change is refused (`NOT_IN_LOG`). Later changes of the
  message are in the store until they are archived, so that none is overlooked.

**Deletion.** When `change` reports a deletion as `Appended`, no key of the store contains the text any more, not even
as unused bytes of a stream. The append-only file contains it until it is rewritten (`embedded/file_rewrite.py`).

**The version of a room.** SQL decides who may do what in a room, and raises the room's version with each change. Every
append names the version with which it was permitted. The store keeps the highest version that it was told. An append
with a lower one is refused (`STALE`): the permission may have been withdrawn. So an append is either ordered before the
notice of the change in the log, or refused. Reads return the version, so that a reader with an older one can load the
room again. A notice is never refused: it reports a change, which raised the version itself.

**Slow mode.** An append with `slow_mode_ms` is refused while the same user's last message in this room is younger
(`SLOW_MODE`).

**Replies.** An append with `reply_to` is refused if that seq is not of a message (`NOT_REPLIABLE`). The message may be
deleted, or trimmed from the log.

**The epoch.** A room gets a new epoch only when its log may have lost events: it is gone, or was restored to an earlier
state. The numbering continues above the highest seq that any caller has witnessed or found in the archive
(`numbering/high_water_marks.py`), and the log begins empty. Events that are left of the earlier numbering are not read
with it, because events between them are missing; they go to the archive.

**Notifications.** A subscription delivers appended events, also those of this process, with low latency and without a
guarantee: it may miss events. The subscriber detects this by the seq of the next event, by `Listener.subscribed` after
each reconnect, or by comparing its position with the log's head. It recovers by reading the log.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from cloudchat.broker.appends import AppendCallback, Change, Entry
from cloudchat.broker.reads import HistoryRange, HistoryRows, Page, Unread, UnreadQuery
from cloudchat.core.stream_position import StreamPosition


class Listener(Protocol):
    """Receives the notifications of a subscription, in order, on the event loop. Its methods must not raise."""

    def subscribed(self, room: str) -> None:
        """The room's events are received from now on. Read the log for earlier ones. Called after each reconnect."""

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """An event was appended, by this or another process."""


OnSignal = Callable[[bytes], None]
"""Receives what `RedisBroker.signal` published, in this or another process, on the event loop. It must not raise."""


class Broker(Protocol):
    """The operations on room logs. The module's docstring states what they guarantee."""

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        """Append a message or a notice, and report the outcome to `on_done`.

        The appends and changes of one process keep their order.
        """

    def change(self, change: Change, on_done: AppendCallback) -> None:
        """Append a change of a message if the user may make it, and report the outcome to `on_done`."""

    async def read(self, room: str, after: int, limit: int) -> Page:
        """Return the events after the seq `after`: at most `limit`, and fewer when they are large.

        Raises `BrokerUnavailable`.
        """

    async def newest(self, room: str, limit: int, max_bytes: int) -> Page:
        """Return the newest events: at most `limit`, at most `max_bytes` together but at least one.

        Raises `BrokerUnavailable`.
        """

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """Return the position of the newest event of each log. Raises `BrokerUnavailable`."""

    async def unread(self, user: str, queries: Sequence[UnreadQuery]) -> list[Unread]:
        """Count a user's unread messages of several rooms. Raises `BrokerUnavailable`."""

    async def history(self, room: str, wanted: HistoryRange) -> HistoryRows:
        """Return messages and notices in their current form: at most as many as wanted, and fewer when they are large.

        Raises `BrokerUnavailable`.
        """

    async def recent_heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        """Return the position of the newest event of each log, (epoch, 0) before the first one.

        They contain every event that this process has appended or read; those that other processes have appended within
        the last second may be missing. Raises `BrokerUnavailable`.
        """

    def subscribe(self, room: str) -> None:
        """Start to receive a room's events. `Listener.subscribed` confirms it."""

    def unsubscribe(self, room: str) -> None:
        """Stop receiving a room's events."""
