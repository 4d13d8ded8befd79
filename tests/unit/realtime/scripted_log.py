"""A broker for one room; the test decides what its log holds, what a read returns and which events are received."""

from collections.abc import Callable, Sequence

from cloudchat.broker.appends import AppendCallback, Change, Entry
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.reads import HistoryRange, HistoryRows, Page, Unread, UnreadQuery
from cloudchat.core.stream_position import StreamPosition

Received = tuple[str, int, bytes]
"""What the subscription reports of an event: epoch, seq, event."""


class ScriptedLog:
    """Implements `Broker`, except for `append`, `change`, `history` and `unread`."""

    def __init__(self, epoch: str = "e1") -> None:
        self.epoch = epoch
        self.events: dict[int, bytes] = {}
        self.head = 0
        self.version = 0
        """Of the room, as the store knows it."""
        self.reads: list[int] = []
        self.unavailable = False
        self.subscribed: list[str] = []
        self.before_read: Callable[[], object] = lambda: None
        self.max_page_events = 10**6

    def append_events(self, count: int = 1) -> Received:
        """Append events without reporting them. Returns what the subscription would report of the last one."""
        for _ in range(count):
            self.head += 1
            self.events[self.head] = b"%s-%d" % (self.epoch.encode(), self.head)
        return self.epoch, self.head, self.events[self.head]

    def trim(self, oldest: int) -> None:
        self.events = {seq: event for seq, event in self.events.items() if seq >= oldest}

    def wipe(self, epoch: str) -> None:
        self.epoch, self.events, self.head = epoch, {}, 0

    @property
    def oldest(self) -> int:
        return min(self.events, default=self.head + 1)

    @property
    def appends_pending(self) -> bool:
        return False

    async def read(self, room: str, after: int, limit: int) -> Page:
        self.before_read()
        self.reads.append(after)
        if self.unavailable:
            raise BrokerUnavailable("unavailable")
        seqs = [seq for seq in sorted(self.events) if seq > after][: min(limit, self.max_page_events)]
        first = seqs[0] if seqs else after + 1
        return Page(self.epoch, self.head, self.oldest, first, [self.events[seq] for seq in seqs], self.version)

    async def newest(self, room: str, limit: int, max_bytes: int) -> Page:
        return await self.read(room, max(0, self.head - min(limit, self.max_page_events)), limit)

    async def heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        self.before_read()
        if self.unavailable:
            raise BrokerUnavailable("unavailable")
        return [StreamPosition(self.epoch, self.head) for _ in rooms]

    async def recent_heads(self, rooms: Sequence[str]) -> list[StreamPosition]:
        return await self.heads(rooms)

    def subscribe(self, room: str) -> None:
        self.subscribed.append(room)

    def unsubscribe(self, room: str) -> None:
        self.subscribed.remove(room)

    def append(self, entry: Entry, on_done: AppendCallback) -> None:
        raise NotImplementedError

    def change(self, change: Change, on_done: AppendCallback) -> None:
        raise NotImplementedError

    async def history(self, room: str, wanted: HistoryRange) -> HistoryRows:
        raise NotImplementedError

    async def unread(self, user: str, queries: Sequence[UnreadQuery]) -> list[Unread]:
        raise NotImplementedError
